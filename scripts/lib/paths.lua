-- Definitions for texts: `folder(fd)`, the path of what a descriptor of the running process is open at. AT_FDCWD is the
-- working folder, as system calls take it; what is no descriptor has none.
define [[folder(fd) = path(as('struct path', fd == AT_FDCWD and ptr(curtask.fs.pwd)
  or fd >= 0 and fd < curtask.files.fdt.max_fds and ptr(curtask.files.fdt.fd[fd].f_path)
  or 0))]]
