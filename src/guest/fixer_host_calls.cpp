// The functions behind struct vmconvert_host. Each is noexcept: an exception becomes -1 and the
// text of last_error(). Memory that goes to a fixer comes from malloc() and goes back through
// release().
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vmconvert/efi_program.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "guest/fixer_session.hpp"
#include "guest/initramfs.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::uint64_t k_disk_read_limit = 64U << 20U;
constexpr std::size_t k_message_limit = 4096;
constexpr std::size_t k_record_limit = 10'000;  // findings, log lines, deferred runs

void fail(FixerSession& session, std::string message, std::string remedy) noexcept {
  session.last_error = std::move(message);
  session.last_words = session.last_error;
  session.remedy = std::move(remedy);
}

template <class Body>
int guarded(void* context, Body&& body) noexcept {
  FixerSession& session = *static_cast<FixerSession*>(context);
  try {
    body(session);
    return 0;
  } catch (const Error& error) {
    session.interrupted = session.interrupted || error.kind() == ErrorKind::interrupted;
    fail(session, error.message(), error.remedy());
  } catch (const std::exception& error) {
    fail(session, error.what(), {});
  } catch (...) {
    fail(session, "an unknown exception in the host", {});
  }
  return -1;
}

std::string required(const char* text) {
  if (text == nullptr) {
    throw Error(ErrorKind::bad_input, "a fixer passed no text where one is needed");
  }
  return text;
}

std::string message_of(const char* text) {
  return printable(required(text).substr(0, k_message_limit));
}

std::string_view bytes(const char* data, size_t size) {
  if (data == nullptr && size != 0) {
    throw Error(ErrorKind::bad_input, "a fixer passed no bytes where some are needed");
  }
  return {data == nullptr ? "" : data, size};
}

void give(vmconvert_text* out, std::string_view text) {
  if (out == nullptr) {
    throw Error(ErrorKind::bad_input, "a fixer passed no place for a result");
  }
  auto* data = static_cast<char*>(std::malloc(text.size() + 1));
  if (data == nullptr) {
    throw std::bad_alloc();
  }
  std::copy(text.begin(), text.end(), data);
  data[text.size()] = '\0';
  *out = {data, text.size()};
}

// A name with a newline in it would look like two: it is left out.
void give_lines(FixerSession& session, vmconvert_text* out, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (name.find('\n') == std::string::npos) {
      text += name + "\n";
    } else {
      log_detail(fmt::format("fixer {}: left out the name {}", session.fixer, printable(name)));
    }
  }
  give(out, text);
}

std::vector<std::string> words_of(const char* text) {
  std::vector<std::string> found = lines(required(text));
  if (found.empty() || found.front().empty()) {
    throw Error(ErrorKind::bad_input, "a fixer asked for a program without a name");
  }
  return found;
}

template <class List>
void check_room(const List& list, std::string_view what) {
  if (list.size() >= k_record_limit) {
    throw Error(ErrorKind::bad_input, fmt::format("more than {} {}", k_record_limit, what));
  }
}

int to_c_kind(FileKind kind) {
  switch (kind) {
    case FileKind::missing: return VMCONVERT_MISSING;
    case FileKind::file: return VMCONVERT_FILE;
    case FileKind::directory: return VMCONVERT_DIRECTORY;
    case FileKind::symlink: return VMCONVERT_SYMLINK;
    case FileKind::other: break;
  }
  return VMCONVERT_OTHER;
}

void give_kind(int* out, FileKind kind) {
  if (out == nullptr) {
    throw Error(ErrorKind::bad_input, "a fixer passed no place for a result");
  }
  *out = to_c_kind(kind);
}

model::Severity to_severity(int severity) {
  switch (severity) {
    case VMCONVERT_BLOCKS: return model::Severity::blocks;
    case VMCONVERT_WARNS: return model::Severity::warns;
    case VMCONVERT_INFORMS: return model::Severity::informs;
    default: break;
  }
  throw Error(ErrorKind::bad_input, fmt::format("{} is no severity", severity));
}

void set_reading_calls(vmconvert_host& host) {
  host.facts = [](void* context, vmconvert_text* json) noexcept {
    return guarded(context, [&](FixerSession& s) { give(json, s.facts_json); });
  };
  host.kind = [](void* context, const char* path, int* kind) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { give_kind(kind, s.root.stat(required(path)).kind); });
  };
  host.link_kind = [](void* context, const char* path, int* kind) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { give_kind(kind, s.root.lstat(required(path)).kind); });
  };
  host.read = [](void* context, const char* path, uint64_t limit,
                 vmconvert_text* content) noexcept {
    return guarded(context, [&](FixerSession& s) {
      give(content, s.root.read(required(path), std::min(limit, GuestRoot::k_binary_limit)));
    });
  };
  host.read_link = [](void* context, const char* path, vmconvert_text* target) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { give(target, s.root.read_link(required(path))); });
  };
  host.list = [](void* context, const char* folder, vmconvert_text* names) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { give_lines(s, names, s.root.list(required(folder))); });
  };
  host.glob = [](void* context, const char* pattern, vmconvert_text* paths) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { give_lines(s, paths, s.root.glob(required(pattern))); });
  };
  host.initramfs_list = [](void* context, const char* path, vmconvert_text* paths) noexcept {
    return guarded(context, [&](FixerSession& s) {
      const std::string bytes = s.root.read(required(path), GuestRoot::k_binary_limit);
      const auto unified = efi::read_unified_kernel(bytes);
      const std::string_view image = unified ? unified->initrd : std::string_view(bytes);
      while_doing(fmt::format("reading the initramfs {}", printable(required(path))),
                  [&] { give_lines(s, paths, list_initramfs(image)); });
    });
  };
  host.read_disk = [](void* context, const char* disk, uint64_t offset, uint64_t length,
                      vmconvert_text* content) noexcept {
    return guarded(context, [&](FixerSession& s) {
      if (length > k_disk_read_limit) {
        throw Error(ErrorKind::bad_input,
                    fmt::format("{} bytes of a disk are too many to read at once", length));
      }
      give(content, s.root.read_disk(required(disk), offset, length));
    });
  };
}

void set_writing_calls(vmconvert_host& host) {
  host.write = [](void* context, const char* path, const char* data, size_t size,
                  uint32_t mode) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { s.root.write(required(path), bytes(data, size), mode); });
  };
  host.symlink = [](void* context, const char* path, const char* target) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { s.root.symlink(required(path), required(target)); });
  };
  host.remove = [](void* context, const char* path) noexcept {
    return guarded(context, [&](FixerSession& s) { s.root.remove(required(path)); });
  };
  host.forget = [](void* context, const char* path, int keep_empty, const char* note) noexcept {
    return guarded(context, [&](FixerSession& s) {
      s.root.forget(required(path),
                    keep_empty != 0 ? StagedRoot::Forget::content : StagedRoot::Forget::all,
                    message_of(note));
    });
  };
  host.conceal = [](void* context, const char* path, const char* note) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { s.root.conceal(required(path), message_of(note)); });
  };
  host.write_disk = [](void* context, const char* disk, uint64_t offset, const char* data,
                       size_t size, const char* what) noexcept {
    return guarded(context, [&](FixerSession& s) {
      s.root.write_disk(required(disk), offset, bytes(data, size), message_of(what));
    });
  };
  host.run_later = [](void* context, const char* words, const char* why,
                      int must_succeed) noexcept {
    return guarded(context, [&](FixerSession& s) {
      check_room(s.run.runs, "programs to run in the guest");
      s.run.runs.push_back({s.fixer, words_of(words), message_of(why), must_succeed != 0});
    });
  };
}

void set_other_calls(vmconvert_host& host) {
  host.host_tool = [](void* context, const char* words, vmconvert_text* output) noexcept {
    return guarded(context,
                   [&](FixerSession& s) { give(output, run_host_tool(s, words_of(words))); });
  };
  host.host_file = [](void* context, const char* path, uint64_t limit,
                      vmconvert_text* content) noexcept {
    return guarded(context, [&](FixerSession& s) {
      give(content, read_host_file(s, required(path), std::min(limit, GuestRoot::k_binary_limit)));
    });
  };
  host.finding = [](void* context, const char* id, int severity, const char* message,
                    const char* remedy) noexcept {
    return guarded(context, [&](FixerSession& s) {
      check_room(s.run.findings, "findings");
      s.run.findings.push_back(
          {message_of(id), to_severity(severity), message_of(message), message_of(remedy), false});
    });
  };
  host.watch = [](void* context, const char* id, int severity, const char* value,
                  const char* message, const char* remedy) noexcept {
    return guarded(context, [&](FixerSession& s) {
      check_room(s.run.watched, "values to look for");
      s.run.watched.push_back({required(value),
                               {message_of(id), to_severity(severity), message_of(message),
                                message_of(remedy), false}});
    });
  };
  host.log = [](void* context, const char* message) noexcept {
    static_cast<void>(guarded(context, [&](FixerSession& s) {
      const std::string text = message_of(message);
      s.remedy = text == s.last_words ? s.remedy : std::string();
      s.last_words = text;
      if (s.run.log.size() < k_record_limit) {
        s.run.log.push_back(s.fixer + ": " + text);
        log_detail(s.run.log.back());
      }
    }));
  };
}

}  // namespace

vmconvert_host make_c_host(FixerSession& session) {
  vmconvert_host host{};
  host.size = sizeof host;
  host.abi = VMCONVERT_FIXER_ABI;
  host.context = &session;
  host.last_error = [](void* context) noexcept {
    return static_cast<FixerSession*>(context)->last_error.c_str();
  };
  host.release = [](void*, vmconvert_text text) noexcept { std::free(text.data); };
  set_reading_calls(host);
  set_writing_calls(host);
  set_other_calls(host);
  return host;
}

}  // namespace vmconvert::guest
