// What the C callbacks of one fixer's run share. Private to the fixer host.
#pragma once

#include <vmconvert/fixer.h>

#include <exception>
#include <string>

#include "guest/fixer_host.hpp"

namespace vmconvert::guest {

struct FixerSession {
  StagedRoot& root;
  const std::string& facts_json;
  CommandRunner& host_commands;
  const FixerOptions& options;
  FixerRun& run;

  std::string fixer;       // whose turn it is
  std::string last_error;  // what last_error() of the C interface points at
  std::string last_words;  // the last error or log line, whichever came later
  std::string remedy;      // of the error in last_words; may be empty
  bool interrupted = false;
};

// All callbacks, with `session` as their context. It must outlive the struct.
vmconvert_host make_c_host(FixerSession& session);

// stdout of a program of the hypervisor host, if the options allow it.
std::string run_host_tool(FixerSession& session, const std::vector<std::string>& argv);
// A file of the hypervisor host, if the options allow it.
std::string read_host_file(const FixerSession& session, const std::string& path,
                           std::uint64_t limit);

}  // namespace vmconvert::guest
