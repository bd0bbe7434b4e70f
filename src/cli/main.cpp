#include "cli/program.hpp"

int main(int argc, char** argv) {
  return vmconvert::cli::run_program(argc, argv);
}
