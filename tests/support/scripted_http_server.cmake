# A scripted HTTP server for tests of HTTP clients; include() this where it is needed.
include_guard(GLOBAL)
add_library(nodeproof_scripted_http_server STATIC ${CMAKE_CURRENT_LIST_DIR}/scripted_http_server.cpp)
target_link_libraries(nodeproof_scripted_http_server
  PUBLIC nodeproof_options nodeproof::base
  PRIVATE OpenSSL::SSL Threads::Threads)
