#!/usr/bin/env -S moontrace
--- Show reads and writes by file, on a screen that refreshes.
--
-- Usage: filetop [OPTIONS] [INTERVAL] [COUNT]
--   INTERVAL             time between two screens [1s]
--   COUNT                screens to show, else until Ctrl-C
--   -a, --all            all kinds of files: sockets, pipes and devices as well
--   -C, --no-clear       don't clear the screen
--   -r, --rows N         files to show [20]
--   -s, --sort all|reads|writes|rbytes|wbytes   what the largest ones are largest in [all]
--   -d, --directory DIR  only files below this directory
--       --read-only      only reads
--       --write-only     only writes
--       --requested      bytes that were asked for, instead of those that were moved
--       --files N        how many files there is room for in an interval [16384]
--
-- T is the file's type: R a regular file, S a socket, O any other. What is read and written by readv, splice, mmap and
-- the like isn't seen.
-- Subject: files
-- Level: heavy
-- Probes: kretprobe:vfs_{read,write}
-- Permissions: read=/proc/loadavg
-- Example: filetop -r 10 5s
local opt = options()

define(opt.requested and "bytes(asked, moved) = asked" or "bytes(asked, moved) = moved > 0 and moved or 0")
local calls = opt.read_only and "read" or opt.write_only and "write" or "{read,write}"
local io = probe("kretprobe:vfs_" .. calls)
  :where(not opt.all and "args.file.f_inode.i_mode & S_IFMT == S_IFREG")
  :with { below = opt.directory and opt.directory:gsub("/*$", "/") }
  :where(opt.directory and "startswith(path(args.file), $below)")
  :by [[tid, comm, file = args.file.f_path.dentry.d_name.name, type = args.file.f_inode.i_mode & S_IFMT,
        args.file.f_inode.i_ino, args.file.f_inode.i_sb.s_dev, args.file.f_inode.i_rdev]]
  :tally(tally { keys = opt.files }, [[reads = count(func == "vfs_read"), writes = count(func == "vfs_write"),
        rbytes = sum(func == "vfs_read" and bytes(args.count, retval) or 0),
        wbytes = sum(func == "vfs_write" and bytes(args.count, retval) or 0)]])

local function size(r)
  -- Calls decide between files that moved as many bytes.
  return opt.sort ~= "all" and r[opt.sort] or r.rbytes + r.wbytes + r.reads + r.writes
end
local types = { [0x8000] = "R", [0xc000] = "S" }

require "times"(opt.interval, opt.count, function()
  if not opt.no_clear then cls() end
  printf("%s loadavg: %s\n\n", strftime "%T", readfile "/proc/loadavg")
  printf("%-7s %-16s %6s %6s %7s %7s %1s %s\n", "TID", "COMM", "READS", "WRITES", "R_Kb", "W_Kb", "T", "FILE")
  for _, r in ipairs(io:take():top(opt.rows, size)) do
    printf("%-7d %-16s %6d %6d %7d %7d %1s %s\n", r.tid, r.comm, r.reads, r.writes, r.rbytes // 1024, r.wbytes // 1024,
      types[r.type] or "O", r.file)
  end
end)
