// qemu:///embed: libvirt's QEMU driver inside our own process, for machines without a daemon.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace vmconvert::host {

// The folder that an embed URI names, percent signs decoded; nothing for other URIs and for one
// without an absolute root.
std::optional<std::filesystem::path> embed_root(std::string_view uri);
std::string embed_uri(const std::filesystem::path& root);

// Makes ROOT/etc/qemu.conf unless there is one: without it the driver wants virtlogd, cgroups and
// a security driver, and no domain starts on a machine without a daemon.
void prepare_embed_root(const std::filesystem::path& root);

// The driver takes one process a folder, and tells a second one only that it "is not active". So
// that folder is asked for first: until the end of this process it is ours. Waits for another
// process for `patience`, then Error(busy) naming it. Asking again costs nothing.
void hold_embed_root(const std::filesystem::path& root,
                     std::chrono::seconds patience = std::chrono::seconds(60));

// libvirt's event loop in a thread of its own, which the embedded driver needs to follow its QEMU
// processes. Started once, ended with the process. Must come before the first connection.
void start_event_loop();

}  // namespace vmconvert::host
