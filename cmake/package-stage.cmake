# Between installing into the staging folder and packing it: what Debian wants compressed.
file(GLOB_RECURSE pages ${CPACK_TEMPORARY_DIRECTORY}/usr/share/man/*.[0-9])
file(GLOB changelogs ${CPACK_TEMPORARY_DIRECTORY}/usr/share/doc/vmconvert/changelog)
foreach(file IN LISTS pages changelogs)
  execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
