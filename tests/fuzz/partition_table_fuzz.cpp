// A whole small disk: MBR with its chain of logical partitions, GPT with its backup, and what the
// superblocks of its partitions say.
#include "disk/condition.hpp"
#include "disk/probe.hpp"
#include "disk/table_reader.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

FUZZ_TARGET(partition_table) {
  disk::MemoryReader content({input.bytes().begin(), input.bytes().end()});
  const disk::TableFacts table = disk::read_table(content);
  for (const model::Partition& part : table.partitions) {
    fuzz::require(!table.problem.empty() || part.start + part.length <= content.size(),
                  "a partition ends behind its disk, and nothing says so");
  }
  fuzz::attempt([&] { disk::read_gpt(content); });
  const model::DiskFacts facts = disk::probe_content(content);
  static_cast<void>(disk::read_condition(content, facts));
}
