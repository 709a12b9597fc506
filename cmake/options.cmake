# nodeproof_options: the language, the warnings and the hardening of all our own targets.
add_library(nodeproof_options INTERFACE)
target_compile_features(nodeproof_options INTERFACE cxx_std_20)
target_include_directories(nodeproof_options INTERFACE ${PROJECT_SOURCE_DIR})
# cpprest's U() macro breaks Boost headers that are included after it.
target_compile_definitions(nodeproof_options INTERFACE _TURN_OFF_PLATFORM_STRING)
target_compile_options(nodeproof_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
# Designated initialisers leave members at their defaults on purpose.
target_compile_options(nodeproof_options INTERFACE -Wno-missing-field-initializers)
if(NODEPROOF_WARNINGS_AS_ERRORS)
  target_compile_options(nodeproof_options INTERFACE -Werror)
endif()

if(NODEPROOF_SANITIZE_ADDRESS AND NODEPROOF_HARDENING)
  message(FATAL_ERROR "NODEPROOF_SANITIZE_ADDRESS and NODEPROOF_HARDENING exclude each other: "
                      "_FORTIFY_SOURCE hides from AddressSanitizer what it looks for. Use the preset dev or release.")
endif()
if(NODEPROOF_SANITIZE_ADDRESS)
  target_compile_options(nodeproof_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
    # cpprest's stream templates exist in its shared library and in ours: their type information
    # differs by address, which the vptr check takes for another type.
    -fno-sanitize=vptr)
  target_link_options(nodeproof_options INTERFACE -fsanitize=address,undefined)
endif()
if(NODEPROOF_COVERAGE)
  target_compile_options(nodeproof_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(nodeproof_options INTERFACE --coverage)
endif()
if(NODEPROOF_SANITIZE_THREAD)
  if(NODEPROOF_SANITIZE_ADDRESS)
    message(FATAL_ERROR "NODEPROOF_SANITIZE_THREAD and NODEPROOF_SANITIZE_ADDRESS exclude each other: "
                        "both take over the memory of a program. Use the preset tsan or dev.")
  endif()
  target_compile_options(nodeproof_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(nodeproof_options INTERFACE -fsanitize=thread)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Boost.Asio has fences, which ThreadSanitizer does not model: g++ says so wherever it is included.
    target_compile_options(nodeproof_options INTERFACE -Wno-tsan)
  endif()
endif()
if(NODEPROOF_FUZZ)
  # Our own libraries are instrumented for coverage too; only the targets link libFuzzer's main.
  target_compile_options(nodeproof_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(NODEPROOF_HARDENING)
  target_compile_definitions(nodeproof_options INTERFACE _FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
  target_compile_options(nodeproof_options INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fcf-protection=full)
  target_link_options(nodeproof_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()

# nodeproof_library(NAME SOURCES ... [PUBLIC ...] [PRIVATE ...]) makes the library of one folder,
# nodeproof::NAME. Libraries link downwards only (tests/unit/layers_test checks it).
function(nodeproof_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(nodeproof_${name} STATIC ${ARG_SOURCES})
  add_library(nodeproof::${name} ALIAS nodeproof_${name})
  target_link_libraries(nodeproof_${name} PUBLIC nodeproof_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()
