# tests/unit/<room>_<file>_test.cpp become one program a room: unit_<room>.
# tests/unit/fixer_<name>_test.cpp become unit_fixers, with the fixers' own sources compiled in.
include(GoogleTest)
add_custom_target(unit_tests)

function(vmc_unit_test name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE vmc_options vmc_test_paths GTest::gmock GTest::gtest_main
    nlohmann_json::nlohmann_json)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE -O0)  # half the build time; nothing here is timed
  add_dependencies(unit_tests ${name})
  if(VMCONVERT_SANITIZE)  # a sanitized program starts slowly: once for all of its tests
    add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900)
  else()
    gtest_discover_tests(${name} PROPERTIES LABELS unit DISCOVERY_TIMEOUT 60)
  endif()
endfunction()

foreach(room base model plan domain allocation bundle disk guest host trial job batch report cli)
  file(GLOB sources CONFIGURE_DEPENDS unit/${room}_*_test.cpp)
  if(sources AND TARGET vmc_${room})
    vmc_unit_test(unit_${room} ${sources})
    target_link_libraries(unit_${room} PRIVATE vmc_${room})
  endif()
endforeach()

# What they start or load.
add_dependencies(unit_disk vmconvert-allocation vmconvert_layout vmconvert_bundle)

file(GLOB fixer_tests CONFIGURE_DEPENDS unit/fixer_*_test.cpp)
if(fixer_tests AND TARGET vmc_guest)
  vmc_unit_test(unit_fixers ${fixer_tests})
  target_link_libraries(unit_fixers PRIVATE vmc_guest)
  get_property(fixers DIRECTORY ${PROJECT_SOURCE_DIR}/plugins PROPERTY BUILDSYSTEM_TARGETS)
  list(FILTER fixers INCLUDE REGEX "^fixer_")
  if(fixers)
    add_dependencies(unit_fixers ${fixers})
  endif()
endif()

# trees/: the matrix of guests as trees of files, tests/guests/trees/*.row, through all fixers.
file(GLOB tree_rows CONFIGURE_DEPENDS guests/trees/*.row)  # a new row is a new test
if(tree_rows AND TARGET vmc_guest AND fixers)
  file(GLOB sources CONFIGURE_DEPENDS trees/*.cpp)
  vmc_unit_test(unit_trees ${sources})
  target_link_libraries(unit_trees PRIVATE vmc_guest vmc_plan)
  target_include_directories(unit_trees PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/unit)
  add_dependencies(unit_trees ${fixers})
endif()

# Small fixers for the loader's tests, good and bad ones: fixers/NAME.c becomes test-fixers/NAME.so.
file(GLOB test_fixers CONFIGURE_DEPENDS fixers/*.c)
foreach(file IN LISTS test_fixers)
  get_filename_component(name ${file} NAME_WE)
  add_library(test_fixer_${name} MODULE ${file})
  target_link_libraries(test_fixer_${name} PRIVATE vmc_options)
  set_target_properties(test_fixer_${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test-fixers)
  if(TARGET unit_guest)
    add_dependencies(unit_guest test_fixer_${name})
  endif()
endforeach()
