-- For tests: a disk of the case's own, a file of 4 MiB behind it, for body(device, name).
return function(body)
  local device = sh([[
    [ -e /dev/loop-control ] || modprobe loop
    file=$(mktemp) && dd if=/dev/zero of=$file bs=1048576 count=4 2>/dev/null
    device=$(losetup -f) && losetup $device $file && rm $file && echo $device]]):match "%S+"
  local ok, problem = pcall(body, device, device:match "[^/]+$")
  sh("losetup -d " .. device)
  check(ok, problem)
end
