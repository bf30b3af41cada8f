case("the process that outgrows its cgroup", { needs = { "kprobe:oom_kill_process", "command:workload" }, example = true }, function()
  local folder = sh "mktemp -d":gsub("%s+$", "")
  local pid
  local got = run { "oomkill", during = function()
    pid = sh(([[
      mount -t cgroup2 none %s && cd %s
      echo +memory > cgroup.subtree_control
      mkdir small
      echo 16777216 > small/memory.max
      sh -c 'echo $$ > small/cgroup.procs; echo $$; exec workload as mt-hungry at-once touch 16384' 2>&1 || true
      rmdir small; cd /; umount %s; rmdir %s]]):format(folder, folder, folder, folder))
  end }
  pid = pid:match "%d+"
  local want = ('^%%d%%d:%%d%%d:%%d%%d Triggered by PID %s %%("mt%%-hungry"%%), OOM kill of PID %s %%("mt%%-hungry"%%), 4096 pages, loadavg: [%%d./ ]+\n$')
    :format(pid, pid)
  check(got.out:find(want), got.out)
end)
