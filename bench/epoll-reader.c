/*
 * The physics of receiving: opens COUNT connections, sends each the request that comes on stdin, and then only reads
 * and throws away. One thread, epoll (level-triggered), one 256 KiB buffer. What a viewer costs above this is what
 * measuring costs.
 *
 *     epoll-reader PORT COUNT WARM_UP_MS MEASURE_MS < request
 *
 * Prints {"cpuMs":…,"bytes":…,"open":…} of the measured time. Linux only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)
#define MAX_REQUEST_BYTES 65536
#define CONNECTS_PER_ROUND 100

static char buffer[BUFFER_BYTES];
static char request[MAX_REQUEST_BYTES];

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static double cpu_ms(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Reads until there is nothing more to read, for at most so long. Returns the bytes; counts closed sockets. */
static unsigned long long read_for(int epoll, double limit_ms, int *closed) {
  struct epoll_event events[1024];
  unsigned long long bytes = 0;
  double until = now_ms() + limit_ms;
  for (double left = limit_ms; left > 0; left = until - now_ms()) {
    int count = epoll_wait(epoll, events, 1024, (int)left + 1);
    for (int i = 0; i < count; i++) {
      ssize_t got = read(events[i].data.fd, buffer, BUFFER_BYTES);
      if (got > 0) bytes += got;
      else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(events[i].data.fd);
        (*closed)++;
      }
    }
  }
  return bytes;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "epoll-reader PORT COUNT WARM_UP_MS MEASURE_MS < request\n");
    return 2;
  }
  int count = atoi(argv[2]), closed = 0;
  size_t request_bytes = fread(request, 1, sizeof request, stdin);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int epoll = epoll_create1(0);
  if (epoll < 0) fail("epoll_create1");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < count; i++) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (write(fd, request, request_bytes) != (ssize_t)request_bytes) fail("write");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    if (i % CONNECTS_PER_ROUND == 0) read_for(epoll, 20, &closed);
  }
  read_for(epoll, atof(argv[3]), &closed);
  double cpu_before = cpu_ms();
  unsigned long long bytes = read_for(epoll, atof(argv[4]), &closed);
  printf("{\"cpuMs\":%.3f,\"bytes\":%llu,\"open\":%d}\n", cpu_ms() - cpu_before, bytes, count - closed);
  return 0;
}
