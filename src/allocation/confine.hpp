// What the reader's process gives up before it looks at a byte. Each step throws Error if it fails.
#pragma once

namespace vmconvert::allocation {

// All descriptors but 0, 1 and 2 are closed; no files, no processes, no core; bounded memory and
// time.
void limit_resources();

// No new privileges; as root: no groups, and the identity of nobody. Dies with its parent.
void drop_privileges();

// From here on the kernel ends the process for any call but reading, writing to descriptors 1 and
// 2, memory that is not executable, the clock, and the end.
void allow_only_reading();

}  // namespace vmconvert::allocation
