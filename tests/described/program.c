// Says `ready`, waits for a line, calls described() twenty times, asks for its parent from 4 calls deep five times and from
// more than a stack has frames three times, says `done`, and waits for the end of its input.

enum step { BACK = -1, AHEAD = 1 };

struct pair {
  int first;
  unsigned short second : 12, third : 4;
  struct pair *next;
};

// What probes are set on. Its arguments are more than there are registers for.
__attribute__((noinline)) short described(int number, signed char small, const char *name, double ratio,
                                          struct pair *pair, _Bool even, enum step step, unsigned long stacked) {
  __asm__ volatile("" ::"r"(name), "x"(ratio), "r"(pair), "r"((int)even), "r"(step), "r"(stacked));
  return (short)(number - small);
}

__attribute__((noinline)) static long call(long number, long first, const void *second, long third) {
  long result;
  // It has a frame of its own, though it calls nothing.
  __asm__ volatile("" ::"r"(__builtin_frame_address(0)));
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third)
                   : "rcx", "r11", "memory");
  return result;
}

static void say(const char *text, long length) { call(1, 1, text, length); }

// For input, or its end.
static void wait(void) {
  char buffer[64];
  call(0, 0, buffer, sizeof buffer);
}

// What stacks are taken of: an inlined function in the innermost of some calls.
static inline __attribute__((always_inline)) long ask(void) {
  return call(110, 0, 0, 0);
}

__attribute__((noinline)) long descend(int depth) {
  if (depth == 0)
    return ask();
  return descend(depth - 1) + 1;
}

__attribute__((noinline)) long apply(long (*function)(int), int argument) { return function(argument) + 1; }

// The stack of a new process is aligned as no function's is.
__attribute__((noreturn, force_align_arg_pointer)) void _start(void) {
  struct pair pair = {7, 4095, 9, &pair};
  say("ready\n", 6);
  wait();
  for (int number = 0; number < 20; number++) {
    _Bool even = number % 2 == 0;
    described(number, -3, even ? "even" : "odd", 0.5, &pair, even, even ? AHEAD : BACK, -1ul - number);
  }
  for (int time = 0; time < 5; time++)
    apply(descend, 3);
  for (int time = 0; time < 3; time++)
    apply(descend, 200);
  say("done\n", 5);
  wait();
  for (;;)
    call(231, 0, 0, 0);
}
