local needs = "kretprobe:vfs_read"

-- A new folder for body(folder).
local function with_folder(body)
  local folder = sh("mktemp -d"):match "%S+"
  body(folder)
  sh("rm -r " .. folder)
end

case("files by what was read and written", { needs = needs, example = true }, function()
  with_folder(function(folder)
    sh("dd if=/dev/zero of=" .. folder .. "/from bs=4096 count=10 2>/dev/null")
    local got = run { "filetop", "-C", "-d", folder, "1h",
      command = ("dd if=%s/from of=%s/to bs=4096 count=8 status=none"):format(folder, folder) }
    local from, to = got:row { FILE = "from" }, got:row { FILE = "to" }
    equal(from.COMM, "dd")
    equal(from.READS, 8)
    equal(from.R_Kb, 32)
    equal(from.WRITES, 0)
    equal(to.WRITES, 8)
    equal(to.W_Kb, 32)
    equal(to.READS, 0)
    equal(to.T, "R")
  end)
end)

case("bytes that were moved, or with --requested those that were asked for", { needs = needs }, function()
  with_folder(function(folder)
    sh("dd if=/dev/zero of=" .. folder .. "/short bs=3072 count=1 2>/dev/null")
    -- 3 KiB, and 0 at the end.
    local command = "dd if=" .. folder .. "/short of=/dev/null bs=8192 status=none"
    local moved = run { "filetop", "-d", folder, "1h", command = command }:row { FILE = "short" }
    equal(moved.READS, 2)
    equal(moved.R_Kb, 3)
    local asked = run { "filetop", "--requested", "-d", folder, "1h", command = command }:row { FILE = "short" }
    equal(asked.READS, 2)
    equal(asked.R_Kb, 16)
  end)
end)

case("pipes and devices only with --all", { needs = needs }, function()
  local command = "dd if=/dev/zero of=/dev/null bs=1024 count=5 status=none"
  local regular = run { "filetop", "1h", command = command }
  check(not regular.out:find "zero", regular.out)
  local all = run { "filetop", "-a", "1h", command = command }
  local zero, null = all:row { FILE = "zero" }, all:row { FILE = "null" }
  equal(zero.T, "O")
  equal(zero.R_Kb, 5)
  equal(null.W_Kb, 5)
end)

case("only reads, only writes", { needs = needs }, function()
  local command = "dd if=/dev/zero of=/dev/null bs=1024 count=5 status=none"
  local reads = run { "filetop", "-a", "--read-only", "1h", command = command }
  check(not reads.out:find "null", reads.out)
  equal(reads:row { FILE = "zero" }.READS, 5)
  local writes = run { "filetop", "-a", "--write-only", "1h", command = command }
  check(not writes.out:find "zero", writes.out)
  equal(writes:row { FILE = "null" }.WRITES, 5)
end)

case("files of one name in several folders are several", { needs = needs }, function()
  with_folder(function(folder)
    sh(("mkdir %s/a %s/b %s-other"):format(folder, folder, folder))
    local got = run { "filetop", "-d", folder .. "/", "1h",
      command = ("sh -c 'for f in %s/a %s/b %s-other; do dd if=/dev/zero of=$f/same bs=1024 count=2 status=none; done'"):format(folder, folder, folder) }
    sh(("rm -r %s-other"):format(folder))
    equal(#got:rows { FILE = "same" }, 2, "and not the one that is not below the folder")
  end)
end)

case("the largest ones first, as they are sorted", { needs = needs }, function()
  with_folder(function(folder)
    local command = ("sh -c 'dd if=/dev/zero of=%s/often bs=512 count=20 status=none; dd if=/dev/zero of=%s/much bs=65536 count=2 status=none'"):format(folder, folder)
    equal(run { "filetop", "-d", folder, "1h", command = command }:rows()[1].FILE, "much")
    local calls = run { "filetop", "-s", "writes", "-r", "1", "-d", folder, "1h", command = command }:rows()
    equal(#calls, 1)
    equal(calls[1].FILE, "often")
  end)
end)

case("thousands of files; those that find no room are said", { needs = { needs, "command:workload" } }, function()
  with_folder(function(folder)
    local command = "workload at-once many " .. folder .. " 12000"
    local all = run { "filetop", "-r", "20000", "-d", folder, "1h", command = command }
    equal(#all:rows { WRITES = 1 }, 12000)
    local some = run { "filetop", "-r", "20000", "--files", "5000", "-d", folder, "1h", command = command, says = "full 7000" }
    equal(#some:rows { WRITES = 1 }, 5000)
  end)
end)

case("as many screens as are wanted", { needs = needs }, function()
  local _, screens = run { "filetop", "100ms", "3" }.out:gsub("loadavg: ", "")
  equal(screens, 3)
end)

case("a wrong way to sort is refused", { needs = needs }, function()
  run { "filetop", "-s", "size", status = 2, says = "'%-%-sort' can't be 'size'" }
end)
