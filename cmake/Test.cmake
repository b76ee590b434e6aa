# Unit tests, fuzz targets and their corpora.
include(GoogleTest)

# Extra packages and modules that one module's tests need, beyond what the module itself uses.
set(SLUICE_TEST_USES_control_observability sluice::json)
set(SLUICE_TEST_USES_control_signaling_connections control_signaling_native)  # what a client hears of its limit
set(SLUICE_TEST_USES_control_signaling_payloads control_policy control_hooks)  # the door and what holds inside, on the wire
set(SLUICE_TEST_USES_dataplane_srtp sluice::srtp2)
set(SLUICE_TEST_USES_shm_channel )
set(SLUICE_TEST_USES_dataplane_worker )
set(SLUICE_TEST_USES_control_signaling_protoo sluice::json)
set(SLUICE_TEST_USES_control_signaling_partyrooms sluice::json)
set(SLUICE_TEST_USES_dataplane_simulcast dataplane_rtp)  # the property test drives the switcher and the rewriters together

# Where the programs and the data of tests lie, for those that ask: as a definition on every command line it would keep the
# compiler cache from serving two checkouts.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/include/test_paths/test_paths.hpp CONTENT [[
#pragma once
#define SLUICE_TEST_DATA "@CMAKE_SOURCE_DIR@/tests/data"
#define SLUICE_BIN_DIR "@CMAKE_BINARY_DIR@/bin"
]] @ONLY)

# One precompiled gtest for all test programs.
# (A program, because objects of programs are compiled with other flags than those of libraries.)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/tests_pch.cpp CONTENT "int main() { return 0; }\n")
add_executable(tests_pch ${CMAKE_BINARY_DIR}/tests_pch.cpp)
target_link_libraries(tests_pch PRIVATE sluice_options GTest::gtest GTest::gmock)
target_precompile_headers(tests_pch PRIVATE <gtest/gtest.h> <gmock/gmock.h> <vector> <string> <span> <cstddef>)

# The sanitizers of g++ 12 know the memory layout of kernels that shift mappings by at most 28 random bits
# (vm.mmap_rnd_bits); under 32 TSan stops with "unexpected memory mapping" and ASan now and then too
# (https://github.com/google/sanitizers/issues/1716 and 1614). So their tests, and the processes that these start, run
# without randomised addresses, where that is allowed (a container may forbid it).
set(SLUICE_TEST_LAUNCHER)
if(SLUICE_SANITIZE)
  find_program(SLUICE_SETARCH setarch)
  if(SLUICE_SETARCH)
    execute_process(COMMAND ${SLUICE_SETARCH} -R true RESULT_VARIABLE refused OUTPUT_QUIET ERROR_QUIET)
    if(refused EQUAL 0)
      set(SLUICE_TEST_LAUNCHER ${SLUICE_SETARCH} -R)
    endif()
  endif()
endif()

# sluice_test(NAME FOLDER USES target...)
function(sluice_test name folder)
  cmake_parse_arguments(T "" "" "USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_(fuzz|program)\\.cpp$")
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name}_test PRIVATE sluice_options ${T_USES} GTest::gtest GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name}_test REUSE_FROM tests_pch)
  # A test whose packages bring definitions of their own just compiles the headers again.
  target_compile_options(${name}_test PRIVATE -Wno-invalid-pch)
  target_include_directories(${name}_test PRIVATE ${CMAKE_BINARY_DIR}/include/test_paths)
  # One ctest entry per program: a process start per test case would cost more than the tests.
  add_test(NAME ${name} COMMAND ${SLUICE_TEST_LAUNCHER} $<TARGET_FILE:${name}_test>)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

function(sluice_module_test path)
  string(REPLACE "/" "_" target ${path})
  sluice_test(${target} tests/${path} USES ${target} ${SLUICE_TEST_USES_${target}})
  # Helper processes of a module's tests: tests/MODULE/NAME_program.cpp -> bin/NAME_program
  file(GLOB programs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${path}/*_program.cpp)
  foreach(program ${programs})
    cmake_path(GET program STEM stem)
    add_executable(${stem} ${program})
    target_include_directories(${stem} PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${stem} PRIVATE sluice_options ${target} ${SLUICE_TEST_USES_${target}})
    if(TARGET ${target}_test)
      add_dependencies(${target}_test ${stem})
    endif()
  endforeach()
endfunction()

# tests/fuzz/NAME_fuzz.cpp defines LLVMFuzzerTestOneInput; its first line reads "// uses: target target". Its seed corpus
# lies in tests/fuzz/corpus/NAME. With clang (preset fuzz) it is a libFuzzer program; everywhere else the same source
# linked with the replayer runs over the corpus as an ordinary test.
function(sluice_fuzz_targets)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp)
  foreach(source ${sources})
    cmake_path(GET source STEM stem)
    string(REGEX REPLACE "_fuzz$" "" name ${stem})
    file(STRINGS ${source} first LIMIT_COUNT 1)
    string(REGEX REPLACE "^// uses: *" "" uses "${first}")
    separate_arguments(uses)
    if(SLUICE_FUZZ)
      add_executable(${stem} ${source})
      target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
    else()
      add_executable(${stem} ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.cpp)
    endif()
    target_include_directories(${stem} PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${stem} PRIVATE sluice_options ${uses})
    if(NOT SLUICE_FUZZ)
      add_test(NAME fuzz-corpus-${name} COMMAND ${SLUICE_TEST_LAUNCHER} $<TARGET_FILE:${stem}> ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    endif()
  endforeach()
endfunction()
