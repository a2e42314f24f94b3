/*
 * Stands in kube-proxy's place and runs the real one (kube-proxy.real) with a
 * seccomp filter that answers "done" to every wish for another resource limit.
 * The userspace mode ends itself when it is not granted 64000 open files, which
 * a machine with a lower hard limit cannot grant and a few Services never need.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define EQUAL(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)
#define CALL offsetof(struct seccomp_data, nr)
#define NEW_LIMIT offsetof(struct seccomp_data, args[2])

int main(int argc, char **argv) {
    (void)argc;
    /* prlimit64 without a new limit (a null pointer, looked at in two halves) only reads. */
    struct sock_filter rules[] = {
        LOAD(CALL),
        EQUAL(SYS_setrlimit, 5, 0),
        EQUAL(SYS_prlimit64, 0, 5),
        LOAD(NEW_LIMIT),
        EQUAL(0, 0, 2),
        LOAD(NEW_LIMIT + 4),
        EQUAL(0, 1, 0),
        ANSWER(SECCOMP_RET_ERRNO | 0),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
        perror("kube-proxy: seccomp");
        return 1;
    }
    execv("/usr/local/bin/kube-proxy.real", argv);
    perror("kube-proxy.real");
    return 127;
}
