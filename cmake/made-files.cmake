# What the program itself prints is installed as it prints it: completion, and the configuration.
set(made ${PROJECT_BINARY_DIR}/made)
file(MAKE_DIRECTORY ${made})
add_custom_command(OUTPUT ${made}/vmconvert.bash ${made}/_vmconvert ${made}/vmconvert.fish ${made}/vmconvert.toml
  COMMAND vmconvert completion bash > ${made}/vmconvert.bash
  COMMAND vmconvert completion zsh > ${made}/_vmconvert
  COMMAND vmconvert completion fish > ${made}/vmconvert.fish
  COMMAND vmconvert config --example > ${made}/vmconvert.toml
  DEPENDS vmconvert VERBATIM)
add_custom_target(made_files ALL DEPENDS ${made}/vmconvert.bash ${made}/vmconvert.toml)

install(FILES ${made}/vmconvert.bash RENAME vmconvert
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${made}/_vmconvert DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${made}/vmconvert.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${made}/vmconvert.toml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
# The site's own configuration is never written over.
install(CODE "
  if(NOT EXISTS \"\$ENV{DESTDIR}/etc/vmconvert/vmconvert.toml\")
    file(INSTALL \"${made}/vmconvert.toml\" DESTINATION \"/etc/vmconvert\")
  endif()")
