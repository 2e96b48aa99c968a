/*
 * loop WORKERS N PROGRAM
 *
 * Runs PROGRAM N times, from so many threads, with nothing but vfork, execve and
 * waitid: no more can be asked of the machine. Prints how long that took and
 * how much processor time of this process and of its children it took, in
 * nanoseconds.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static char *program;
static long n;
static atomic_long begun;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void *work(void *unused)
{
	char *argv[] = {program, NULL};
	siginfo_t info;

	(void)unused;
	while (atomic_fetch_add(&begun, 1) < n) {
		pid_t pid = vfork();
		if (pid < 0)
			fail("vfork");
		if (pid == 0) {
			execve(program, argv, environ);
			_exit(127);
		}
		if (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
			fail("waitid");
		if (info.si_code != CLD_EXITED || info.si_status != 0) {
			fprintf(stderr, "%s failed\n", program);
			exit(1);
		}
	}
	return NULL;
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long cpu(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000LL +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: loop workers n program\n");
		return 2;
	}
	int workers = atoi(argv[1]);
	n = atol(argv[2]);
	program = argv[3];
	pthread_t *threads = calloc((size_t)workers, sizeof *threads);

	long long wall = now(), self = cpu(RUSAGE_SELF), children = cpu(RUSAGE_CHILDREN);
	for (int i = 0; i < workers; i++)
		if (pthread_create(&threads[i], NULL, work, NULL) != 0)
			fail("pthread_create");
	for (int i = 0; i < workers; i++)
		pthread_join(threads[i], NULL);
	printf("%lld %lld %lld\n", now() - wall, cpu(RUSAGE_SELF) - self,
	       cpu(RUSAGE_CHILDREN) - children);
	return 0;
}
