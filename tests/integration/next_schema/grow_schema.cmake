# Writes NAME_generated.h of a schema that has grown by one version: cmake -DFLATC= -DSCHEMA= -DFOLDER= -P grow_schema.cmake
#
# Every table gets an optional field `note` at its end, which is how schemas grow (docs/shared-memory.md). That is what a
# developer would do; two changes of the generated code spare us to do it in each place that writes or reads a message:
#   - each Create function writes note = 2026 unless told otherwise, so whoever writes a message writes the field;
#   - each Verify function hands the field to sluice::next::reads_note(), so whoever reads a message reads it.
cmake_path(GET SCHEMA STEM stem)
file(READ ${SCHEMA} text)
# Comments may hold braces.
string(REGEX REPLACE "//[^\n]*" "" text "${text}")
string(REGEX REPLACE "(table[ \n]+[A-Za-z]+[ \n]*{[^}]*)}" "\\1 note:uint; }" grown "${text}")
if(grown STREQUAL text)
  message(FATAL_ERROR "${SCHEMA} has no table that could grow")
endif()
file(WRITE ${FOLDER}/fbs/${stem}.fbs "${grown}")
execute_process(COMMAND ${FLATC} --cpp --scoped-enums --gen-mutable -o ${FOLDER}/flatc ${FOLDER}/fbs/${stem}.fbs COMMAND_ERROR_IS_FATAL ANY)
file(READ ${FOLDER}/flatc/${stem}_generated.h code)
string(REPLACE "uint32_t note = 0)" "uint32_t note = ::sluice::next::note)" code "${code}")
string(REPLACE "VerifyField<uint32_t>(verifier, VT_NOTE, 4)"
  "VerifyField<uint32_t>(verifier, VT_NOTE, 4) &&\n           ::sluice::next::reads_note(GetField<uint32_t>(VT_NOTE, 0))" code "${code}")
foreach(needed "note = ::sluice::next::note" "next::reads_note(GetField")
  string(FIND "${code}" "${needed}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "this flatc writes other code than grow_schema.cmake expects: '${needed}' found no place")
  endif()
endforeach()
file(WRITE ${FOLDER}/include/schemas/${stem}_generated.h "#include \"next_note.hpp\"\n${code}")
