// Completion scripts for bash, zsh and fish, made from the tables of commands and options.
#pragma once

#include <string>

namespace vmconvert::cli {

// `shell`: bash, zsh or fish.
std::string completion_script(const std::string& shell);

}  // namespace vmconvert::cli
