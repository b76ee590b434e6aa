# cmake -DFOLDER=... -DOUTPUT=... -P embed_assets.cmake: writes every file below FOLDER into one C++ source, as bytes.
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*.html ${FOLDER}/*.css ${FOLDER}/*.js ${FOLDER}/*.svg)
list(SORT files)
set(arrays "")
set(entries "")
set(number 0)
foreach(file ${files})
  file(READ ${FOLDER}/${file} hex HEX)
  file(SHA256 ${FOLDER}/${file} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" text "${hex}")
  string(LENGTH "${hex}" size)
  math(EXPR size "${size} / 2")
  string(APPEND arrays "constexpr char file_${number}[] = \"${text}\";\n")
  string(APPEND entries "    {\"/${file}\", \"${hash}\", std::string_view(file_${number}, ${size})},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Generated from ${number} files; do not edit.
#include \"control/page/page_files.hpp\"

#include <array>

namespace sluice {
namespace {
${arrays}constexpr std::array<PageFile, ${number}> files{{
${entries}}};
}  // namespace

std::span<const PageFile> page_files() noexcept { return files; }
}  // namespace sluice
")
