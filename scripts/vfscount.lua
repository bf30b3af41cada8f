#!/usr/bin/env -S moontrace
--- Count calls of the kernel's VFS functions.
--
-- Usage: vfscount [OPTIONS] [TIME]
--   TIME   how long to count, else until Ctrl-C
--
-- What the compiler has put into its callers is no function that could be counted.
-- Subject: files
-- Level: heavy
-- Probes: kprobe:vfs_*
-- Example: vfscount 5s
local opt = options()

local calls = probe "kprobe:vfs_*" :by "func" :count()

if opt.time then after(opt.time, exit) end
on_exit(function()
  printf("%-32s %8s\n", "FUNC", "COUNT")
  for _, r in ipairs(calls:rows()) do
    printf("%-32s %8d\n", r.func, r.count)
  end
end)
