// The program: parse, run the chosen command, turn what it throws into a message and an exit code.
#pragma once

namespace vmconvert::cli {

int run_program(int argc, char** argv);

}  // namespace vmconvert::cli
