// What a shell has to know stands in the parser already: this reads it from there, so that a new
// command or option needs no word here.
#include "cli/completion.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/options.hpp"

namespace vmconvert::cli {
namespace {

enum class Value { none, folder, file, choice, any };

struct Flag {
  std::vector<std::string> names;  // with their dashes, short ones first
  std::string help;
  Value value = Value::none;
  std::string value_name;
  std::vector<std::string> choices;
};

struct Command {
  std::string name;
  std::string help;
  std::vector<Flag> flags;
  Operand operand = Operand::none;
  std::vector<std::string> words;  // that its operand can be, where it is one of a few
};

// "TEXT:{raw,qcow2}" -> raw, qcow2.
std::vector<std::string> choices_of(const std::string& type) {
  const std::size_t open = type.find('{');
  const std::size_t end = type.find('}');
  if (open == std::string::npos || end == std::string::npos || end < open) {
    return {};
  }
  return split(std::string_view(type).substr(open + 1, end - open - 1), ',');
}

Flag to_flag(const CLI::Option& option) {
  Flag flag;
  for (const std::string& name : option.get_snames()) {
    flag.names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    flag.names.push_back("--" + name);
  }
  flag.help = option.get_description();
  if (option.get_items_expected_max() == 0) {
    return flag;
  }
  flag.value_name = option.get_type_name();
  flag.choices = choices_of(flag.value_name);
  flag.value = !flag.choices.empty()                               ? Value::choice
               : flag.value_name.starts_with("DIR")                ? Value::folder
               : flag.value_name.find("FILE") != std::string::npos ? Value::file
                                                                   : Value::any;
  return flag;
}

std::vector<Command> read_commands() {
  Options options;
  const CommandEntry* chosen = nullptr;
  const auto app = make_parser(options, chosen);
  std::vector<Command> commands;
  for (const CommandEntry& entry : command_table()) {
    Command command{entry.name, entry.summary, {}, entry.operand, {}};
    for (const CLI::Option* option : app->get_subcommand(entry.name)->get_options()) {
      if (option->get_positional()) {
        command.words = choices_of(option->get_type_name());
      } else {
        command.flags.push_back(to_flag(*option));
      }
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

// Lists the ids of the jobs; silent where there is no journal yet.
constexpr const char* k_job_ids = "vmconvert jobs 2>/dev/null | cut -d' ' -f1 | grep '^[0-9]'";

std::string quoted(const std::string& text) {
  return "'" + replace_all(text, "'", "'\\''") + "'";
}

std::string bash_script(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  std::string by_command;
  std::map<std::string, std::string> by_option;  // how its value is completed
  for (const Command& command : commands) {
    names.push_back(command.name);
    std::vector<std::string> flags;
    for (const Flag& flag : command.flags) {
      flags.push_back(flag.names.back());
      const std::string how = flag.value == Value::choice
                                  ? fmt::format("compgen -W '{}'", join(flag.choices, " "))
                              : flag.value == Value::folder ? "compgen -d"
                              : flag.value == Value::file   ? "compgen -f"
                              : flag.value == Value::any    ? "true"
                                                            : "";
      if (!how.empty()) {
        by_option[join(flag.names, "|")] = how;
      }
    }
    const std::string operand =
        command.operand == Operand::job ? fmt::format("compgen -W \"$({})\"", k_job_ids)
        : !command.words.empty()        ? fmt::format("compgen -W '{}'", join(command.words, " "))
        : command.operand == Operand::none ? "true"
                                           : "compgen -f";
    by_command += fmt::format("    {}) flags='{}'; operand() {{ {} -- \"$cur\"; }} ;;\n",
                              command.name, join(flags, " "), operand);
  }
  std::string values;
  for (const auto& [option, how] : by_option) {
    values +=
        fmt::format("    {}) mapfile -t COMPREPLY < <({} -- \"$cur\"); return ;;\n", option, how);
  }
  return fmt::format(R"(# bash completion for vmconvert
_vmconvert() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} flags=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "{} --help --version" -- "$cur")
    return
  fi
  case $prev in
{}  esac
  operand() {{ compgen -f -- "$cur"; }}
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
  else
    mapfile -t COMPREPLY < <(operand)
  fi
  unset -f operand
}}
complete -o filenames -F _vmconvert vmconvert
)",
                     join(names, " "), values, by_command);
}

// In _arguments' words, brackets and colons mean something.
std::string zsh_text(std::string text) {
  for (const char* special : {"[", "]", ":"}) {
    text = replace_all(std::move(text), special, std::string("\\") + special);
  }
  return text;
}

std::string zsh_value(const Flag& flag) {
  switch (flag.value) {
    case Value::none: return "";
    case Value::choice: return fmt::format(":value:({})", join(flag.choices, " "));
    case Value::folder: return ":folder:_files -/";
    case Value::file: return ":file:_files";
    case Value::any: return ":value: ";
  }
  return "";
}

std::string zsh_script(const std::vector<Command>& commands) {
  std::string list;
  std::string cases;
  for (const Command& command : commands) {
    list += fmt::format("    {}\n", quoted(command.name + ":" + zsh_text(command.help)));
    std::string specs;
    for (const Flag& flag : command.flags) {
      for (const std::string& name : flag.names) {
        specs += " \\\n        " +
                 quoted(fmt::format("{}[{}]{}", name, zsh_text(flag.help), zsh_value(flag)));
      }
    }
    const std::string operand =
        command.operand == Operand::job    ? fmt::format("1:job:($({}))", k_job_ids)
        : !command.words.empty()           ? fmt::format("1:word:({})", join(command.words, " "))
        : command.operand == Operand::none ? ""
                                           : "*:file:_files";
    if (!operand.empty()) {
      // Double quotes: the list of jobs is asked for when it is needed.
      specs += fmt::format(" \\\n        \"{}\"", operand);
    }
    cases += fmt::format("      {}) _arguments{} ;;\n", command.name, specs);
  }
  return fmt::format(R"(#compdef vmconvert
# zsh completion for vmconvert
_vmconvert() {{
  local -a commands
  commands=(
{}  )
  local line state
  _arguments -C '--help[say what there is]' '--version[print the version]' \
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
{}      esac ;;
  esac
}}
if [ "$funcstack[1]" = _vmconvert ]; then _vmconvert "$@"; else compdef _vmconvert vmconvert; fi
)",
                     list, cases);
}

std::string fish_script(const std::vector<Command>& commands) {
  std::string text =
      "# fish completion for vmconvert\n"
      "complete -c vmconvert -f\n"
      "complete -c vmconvert -n __fish_use_subcommand -l help -d 'say what there is'\n"
      "complete -c vmconvert -n __fish_use_subcommand -l version -d 'print the version'\n";
  for (const Command& command : commands) {
    text += fmt::format("complete -c vmconvert -n __fish_use_subcommand -a {} -d {}\n",
                        command.name, quoted(command.help));
    const std::string start =
        fmt::format("complete -c vmconvert -n '__fish_seen_subcommand_from {}'", command.name);
    for (const Flag& flag : command.flags) {
      text += start;
      for (const std::string& name : flag.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      switch (flag.value) {
        case Value::none: break;
        case Value::choice:
          text += fmt::format(" -x -a {}", quoted(join(flag.choices, " ")));
          break;
        case Value::folder: text += " -x -a '(__fish_complete_directories)'"; break;
        case Value::file: text += " -r -F"; break;
        case Value::any: text += " -x"; break;
      }
      text += fmt::format(" -d {}\n", quoted(flag.help));
    }
    if (command.operand == Operand::job) {
      text += fmt::format("{} -a {}\n", start, quoted(fmt::format("({})", k_job_ids)));
    } else if (!command.words.empty()) {
      text += fmt::format("{} -a {}\n", start, quoted(join(command.words, " ")));
    } else if (command.operand != Operand::none) {
      text += start + " -F\n";
    }
  }
  return text;
}

}  // namespace

std::string completion_script(const std::string& shell) {
  const auto commands = read_commands();
  if (shell == "bash") {
    return bash_script(commands);
  }
  if (shell == "zsh") {
    return zsh_script(commands);
  }
  if (shell == "fish") {
    return fish_script(commands);
  }
  throw Error(ErrorKind::usage, "no completion for a shell named " + printable(shell),
              "name bash, zsh or fish");
}

}  // namespace vmconvert::cli
