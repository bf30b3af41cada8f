# In the guest of tests/vm/agree: tools of both, started together, a workload of known effect, and what each counted of it.
export PATH=/payload:/bin:/usr/sbin
# Else each time of day that is printed opens a file, which is an event again.
export TZ=UTC0
tar xf root.tar -C / && ln -sf usr/lib64 /lib64
ip link set lo up
# libbpf looks tracepoints up there.
mount -t tracefs tracefs /sys/kernel/tracing
modprobe null_blk 2>/dev/null
wrong=0

# What has begun to wait is attached: it takes hardly any time more, in hundredths of seconds. Some never rest.
settled() {
  before=-1000
  for _ in 1 2 3 4 5; do
    now=$(awk '{print $14 + $15}' /proc/$1/stat) && [ $((now - before)) -gt 20 ] || break
    before=$now
    sleep 3
  done
}

# both NAME WANTED 'THEIR COMMAND' 'OUR COMMAND' 'WORKLOAD' 'AWK PROGRAM': the program prints what was counted, of either output
both() {
  sh -c "exec $3" >their.out 2>their.err & theirs=$!
  sh -c "exec $4" >our.out 2>our.err & ours=$!
  settled $theirs; settled $ours
  eval "$5" >/dev/null 2>&1
  sleep 2
  kill -INT $theirs $ours 2>/dev/null
  wait $ours
  # Those that wait for an interval's end take no signal for long.
  sleep 1; kill -KILL $theirs 2>/dev/null; wait $theirs 2>/dev/null
  they=$(awk "$6" their.out); we=$(awk "$6" our.out)
  printf '%-12s %10s %10s %10s\n' "$1" "${they:-0}" "${we:-0}" "$2"
  [ "$we" = "$2" ] || { wrong=1; head -5 our.out our.err their.out their.err; }
}

printf '%-12s %10s %10s %10s\n' TOOL libbpf moontrace 'in truth'
both opensnoop 200 'opensnoop-libbpf' 'moontrace opensnoop' 'workload as opener at-once open /init 200' '/opener/ && /init/ {n++} END {print n}'
both execsnoop 20 'execsnoop-libbpf' 'moontrace execsnoop' 'for i in $(seq 20); do /bin/true; done' '/\/bin\/true/ {n++} END {print n}'
both statsnoop 20 'statsnoop-libbpf' 'moontrace statsnoop' 'for i in $(seq 20); do stat /init; done' '/ \/init$/ {n++} END {print n}'
both killsnoop 20 'killsnoop-libbpf' 'moontrace killsnoop' 'sleep 60 & for i in $(seq 20); do kill -CONT $!; done; kill $!' '/ 18 |SIGCONT/ {n++} END {print n}'
both syscount 5000 'syscount-libbpf -T 400' 'moontrace syscount -T 400' 'workload at-once getppid 5000' '$1 == "getppid" {print $2}'
both funclatency 50 'funclatency-libbpf -u vfs_mkdir' 'moontrace funclatency -u vfs_mkdir' 'for i in $(seq 50); do mkdir /tmp/d$i; done' '/->/ || /^[[(]/ {for (i = 1; i <= NF; i++) if ($i == ":" || $i ~ /\)$/) {n += $(i + 1); break}} END {print n}'
both tcpconnect 50 'tcpconnect-libbpf' 'moontrace tcpconnect' 'for i in $(seq 50); do workload as caller at-once connect 127.0.0.1:9; done' '/caller/ {n++} END {print n}'
both biosnoop 64 'biosnoop-libbpf' 'moontrace biosnoop' 'dd if=/dev/zero of=/dev/nullb0 bs=4096 count=64 oflag=direct' '/nullb0/ && / dd / {n++} END {print n}'
exit $wrong
