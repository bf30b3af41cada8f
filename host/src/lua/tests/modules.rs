use super::*;

#[test]
fn json_is_read_and_written_exactly() {
    let text = r#"
        local v = json.decode('{"a": [1, 9223372036854775807, -1.5e3, true, null], "b": {"c": "\\u00e9\\ud83d\\ude00\\n\\"x"}}')
        print(v.a[2], v.a[3], v.a[4], v.a[5] == json.null, v.b.c == "é😀\n\"x")
        print(json.encode{ b = { 1, 2.5, "é\n\1\xff" }, a = {} , c = math.mininteger })
        for _, bad in ipairs{ "", "[1,]", "{1:2}", '"x', "[1] 2", "nul", ("["):rep(1000), '"\\ud8"' } do
          print(pcall(json.decode, bad))
        end
        local loop = {} loop.x = loop
        print(pcall(json.encode, loop))"#;
    let printed = output(text).unwrap();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "9223372036854775807\t-1500.0\ttrue\ttrue\ttrue");
    assert_eq!(
        lines[1],
        "{\"a\":[],\"b\":[1,2.5,\"\u{fffd}\u{fffd}\\n\\u0001\u{fffd}\"],\"c\":-9223372036854775808}"
    );
    assert!(
        lines[2..]
            .iter()
            .all(|line| line.starts_with("false\tjson.")),
        "{printed}"
    );
}

#[test]
fn values_are_shown_as_people_read_them() {
    let text = r#"
        print(errno(-2), errno(13), signal(9), tcp_state(1), capability(21), syscall(257), syscall(9999))
        print(ntop(0x0100007f), ntop("\10\0\0\1"), ntop(("\0"):rep(15) .. "\1"), ntop("\x20\1\x0d\xb8" .. ("\0"):rep(8) .. "\0\0\0\1"))
        print(ntop(("\0"):rep(16)), ntop("\0\1\0\0\0\2\0\0\0\0\0\0\0\1\0\1"), errno(nil), ntop(("\0"):rep(10) .. "\255\255\1\2\3\4"))
        print(hexdump("moon\0trace\n......!"))
        columns({ { pid = 7, comm = "a" }, { pid = 123, comm = "bash" } }, { "pid", "comm" })
        print(#strftime("%H:%M:%S"), strftime("%s.%6N %%N %N", 2500), readfile("/proc/self/comm") ~= nil, readfile("/proc/no"))"#;
    assert_eq!(
        output(text).unwrap(),
        "ENOENT\tEACCES\tSIGKILL\tESTABLISHED\tCAP_SYS_ADMIN\topenat\t9999\n\
         127.0.0.1\t10.0.0.1\t::1\t2001:db8::1\n\
         ::\t1:0:2::1:1\tnil\t::ffff:1.2.3.4\n\
         00000000  6d 6f 6f 6e 00 74 72 61 63 65 0a 2e 2e 2e 2e 2e  |moon.trace......|\n\
         00000010  2e 21                                            |.!|\n\
         PID  COMM\n  7  a\n123  bash\n8\t1700000000.000002 %N 000002500\ttrue\tnil\n"
    );
    assert!(failure("readfile '/etc/passwd'").contains("/proc and /sys only"));
}
