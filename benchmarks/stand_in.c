/*
 * A stand-in for an iperf2 server: binds its port, then writes recorded lines at a set rate.
 *
 *   STAND_IN_FILE    what to write; up to the line of the first report at once
 *   STAND_IN_RATE    report lines a second; 0: as fast as the reader takes them
 *   STAND_IN_STAMPS  a file for the monotonic time of each write: 64-bit nanoseconds
 *   STAND_IN_LATER   seconds to wait before the first report
 *
 * Ends when it is told to, as a server does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * SECOND + at.tv_nsec;
}

static void sleep_until(int64_t ns) {
    struct timespec at = {.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void write_all(const char *from, size_t size) {
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, from, size);
        if (written < 0) exit(1); /* nobody reads any more */
        from += written;
        size -= written;
    }
}

static double setting(const char *name) {
    const char *text = getenv(name);
    return text ? atof(text) : 0.0;
}

static void bind_port(int port) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int bound = socket(AF_INET, SOCK_DGRAM, 0);
    if (bound < 0 || bind(bound, (struct sockaddr *)&any, sizeof any) != 0) {
        fprintf(stderr, "bind failed: Address already in use\n");
        exit(1);
    }
}

int main(int argc, char **argv) {
    const char *path = getenv("STAND_IN_FILE");
    double rate = setting("STAND_IN_RATE");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0 || strcmp(argv[i], "--version") == 0) {
            fprintf(stderr, "iperf version 2.1.8 (12 August 2022) pthreads\n");
            return 0;
        }
        if (strcmp(argv[i], "-p") == 0 && i + 1 < argc) bind_port(atoi(argv[i + 1]));
    }
    int file = path ? open(path, O_RDONLY) : -1;
    struct stat about;
    if (file < 0 || fstat(file, &about) != 0) {
        fprintf(stderr, "stand-in: cannot read STAND_IN_FILE\n");
        return 2;
    }
    size_t size = about.st_size;
    char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (text == MAP_FAILED) return 2;
    char *first = memmem(text, size, " sec ", 5);
    if (first == NULL) return 2;
    while (first > text && first[-1] != '\n') first--;
    write_all(text, first - text);

    const char *stamps_path = getenv("STAND_IN_STAMPS");
    FILE *stamps = stamps_path ? fopen(stamps_path, "w") : NULL;
    int64_t began = now() + (int64_t)(setting("STAND_IN_LATER") * SECOND);
    sleep_until(began);
    const char *end = text + size;
    if (rate <= 0) {
        write_all(first, end - first);
        for (;;) pause();
    }
    int64_t number = 0;
    for (const char *at = first; at < end; number++) {
        const char *newline = memchr(at, '\n', end - at);
        const char *next = newline ? newline + 1 : end;
        sleep_until(began + (int64_t)(number * SECOND / rate));
        int64_t stamp = now();
        write_all(at, next - at);
        if (stamps) fwrite(&stamp, sizeof stamp, 1, stamps);
        at = next;
    }
    if (stamps) fclose(stamps);
    for (;;) pause();
}
