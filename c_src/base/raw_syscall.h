/* SPDX-License-Identifier: MIT */
/*
 * System calls without errno: for code that runs beside other code in the same memory and on the
 * same thread-local storage, where libc's wrappers would write the other's errno. Each returns the
 * kernel's own value: >= 0, or a negative errno.
 */
#ifndef LINX_BASE_RAW_SYSCALL_H
#define LINX_BASE_RAW_SYSCALL_H

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

/*
 * raw_clone: clone(2) with `flags`, which hold CLONE_VM; the new thread or process runs `run`,
 * which never returns, on the stack that ends at `stack_end` (16-byte aligned). With CLONE_PIDFD,
 * the int at `pidfd` receives its descriptor. libc's clone() does the same, but musl refuses
 * CLONE_THREAD from 1.2.4 on, and writes errno.
 */

#if defined(__x86_64__)

static inline long raw_clone(unsigned long flags, void *stack_end, void (*run)(void), void *pidfd) {
  register long r10 __asm__("r10") = 0;
  register long r8 __asm__("r8") = 0;
  void **top = (void **)stack_end - 2;
  long result;
  memcpy(top, &run, sizeof run);
  __asm__ volatile("syscall\n\t"
                   "test %%rax, %%rax\n\t"
                   "jnz 1f\n\t"
                   "xor %%ebp, %%ebp\n\t"
                   "pop %%rax\n\t"
                   "add $8, %%rsp\n\t"
                   "call *%%rax\n\t"
                   "ud2\n"
                   "1:"
                   : "=a"(result)
                   : "a"((long)SYS_clone), "D"(flags), "S"(top), "d"(pidfd), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

static inline long raw_clone(unsigned long flags, void *stack_end, void (*run)(void), void *pidfd) {
  void **top = (void **)stack_end - 2;
  register long x8 __asm__("x8") = SYS_clone;
  register long x0 __asm__("x0") = (long)flags;
  register long x1 __asm__("x1") = (long)(uintptr_t)top;
  register long x2 __asm__("x2") = (long)(uintptr_t)pidfd;
  register long x3 __asm__("x3") = 0;
  register long x4 __asm__("x4") = 0;
  memcpy(top, &run, sizeof run);
  __asm__ volatile("svc 0\n\t"
                   "cbnz x0, 1f\n\t"
                   "mov x29, #0\n\t"
                   "ldr x1, [sp], #16\n\t"
                   "blr x1\n\t"
                   "brk #0\n"
                   "1:"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
                   : "memory", "cc");
  return x0;
}

static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory", "cc");
  return x0;
}

#elif defined(__riscv) && __riscv_xlen == 64

static inline long raw_clone(unsigned long flags, void *stack_end, void (*run)(void), void *pidfd) {
  void **top = (void **)stack_end - 2;
  register long a7 __asm__("a7") = SYS_clone;
  register long a0 __asm__("a0") = (long)flags;
  register long a1 __asm__("a1") = (long)(uintptr_t)top;
  register long a2 __asm__("a2") = (long)(uintptr_t)pidfd;
  register long a3 __asm__("a3") = 0;
  register long a4 __asm__("a4") = 0;
  memcpy(top, &run, sizeof run);
  __asm__ volatile("ecall\n\t"
                   "bnez a0, 1f\n\t"
                   "ld t0, 0(sp)\n\t"
                   "addi sp, sp, 16\n\t"
                   "jalr t0\n\t"
                   "ebreak\n"
                   "1:"
                   : "+r"(a0)
                   : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
                   : "t0", "memory");
  return a0;
}

static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  register long a5 __asm__("a5") = f;
  __asm__ volatile("ecall"
                   : "+r"(a0)
                   : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                   : "memory");
  return a0;
}

#elif defined(__arm__)

static inline long raw_clone(unsigned long flags, void *stack_end, void (*run)(void), void *pidfd) {
  void **top = (void **)stack_end - 4;
  register long r0 __asm__("r0") = (long)flags;
  register long r1 __asm__("r1") = (long)(uintptr_t)top;
  register long r2 __asm__("r2") = (long)(uintptr_t)pidfd;
  register long r3 __asm__("r3") = 0;
  register long r4 __asm__("r4") = 0;
  register long r6 __asm__("r6") = SYS_clone;
  memcpy(top, &run, sizeof run);
  __asm__ volatile("mov r8, r7\n\tmov r7, r6\n\tsvc 0\n\tmov r7, r8\n\t"
                   "cmp r0, #0\n\t"
                   "bne 1f\n\t"
                   "ldr r1, [sp], #16\n\t"
                   "blx r1\n\t"
                   "udf #0\n"
                   "1:"
                   : "+r"(r0)
                   : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r6)
                   : "r8", "memory", "cc");
  return r0;
}

/* r7, the number's register, is the frame pointer of Thumb code, so it is saved by hand. */
static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f) {
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r3 __asm__("r3") = d;
  register long r4 __asm__("r4") = e;
  register long r5 __asm__("r5") = f;
  register long r6 __asm__("r6") = number;
  __asm__ volatile("mov r8, r7\n\tmov r7, r6\n\tsvc 0\n\tmov r7, r8"
                   : "+r"(r0)
                   : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r6)
                   : "r8", "memory");
  return r0;
}

#else
// cppcheck-suppress preprocessorErrorDirective
#error "raw_syscall.h has no system call instruction for this architecture"
#endif

#endif
