# cmake -DFOLDER=... -DOUTPUT=... -DHEADER=... -DFUNCTION=... -DTYPE=... -P embed_assets.cmake: writes every file below FOLDER (but
# C++ sources) into one C++ source, as bytes: FUNCTION() gives a span of TYPE{path, hash, content}.
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(FILTER files EXCLUDE REGEX "\\.(cpp|hpp)$")
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
#include \"${HEADER}\"

#include <array>

namespace sluice {
namespace {
${arrays}constexpr std::array<${TYPE}, ${number}> files{{
${entries}}};
}  // namespace

std::span<const ${TYPE}> ${FUNCTION}() noexcept { return files; }
}  // namespace sluice
")
