/*
 * kernel_latency ROUNDS        The yardstick of the event bench: replaces a route so many times while another thread waits in poll(2)
 *                              for the kernel's event, as the monitor does. Prints the microseconds of each, from before the request
 *                              to after the event was read.
 * kernel_latency ROUNDS send   The same requests for another process to hear of. Prints when each began and when the kernel had
 *                              done it, microseconds since 1970.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int events, go, heard;

static double now_us(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static int open_socket(unsigned groups)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	if (fd < 0 || bind(fd, (void *)&address, sizeof address) < 0) exit(1);
	return fd;
}

static void give(int fd)
{
	uint64_t one = 1;
	if (write(fd, &one, sizeof one) != sizeof one) exit(1);
}

static void take(int fd)
{
	uint64_t value;
	if (read(fd, &value, sizeof value) != sizeof value) exit(1);
}

/* Waits for one event whenever it is told to, and wakes the main thread, as the thread that polls wakes the event loop. */
static void *wait_for_events(void *unused)
{
	struct pollfd wanted = { .fd = events, .events = POLLIN };
	for (;;) {
		take(go);
		if (poll(&wanted, 1, -1) != 1) exit(1);
		give(heard);
	}
	return unused;
}

static void attribute(char *at, int type, uint32_t value)
{
	struct rtattr header = { .rta_len = 8, .rta_type = type };
	memcpy(at, &header, 4);
	memcpy(at + 4, &value, 4);
}

/* ip route replace 250.0.0.0/24 via 10.0.0.HOST */
static void replace_route(int fd, uint32_t host, uint32_t sequence)
{
	struct { struct nlmsghdr header; struct rtmsg route; char attributes[24]; } request = {
		.header = { .nlmsg_len = sizeof request, .nlmsg_type = RTM_NEWROUTE, .nlmsg_seq = sequence,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_REPLACE | NLM_F_CREATE },
		.route = { .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_ZEBRA,
			   .rtm_type = RTN_UNICAST },
	};
	attribute(request.attributes, RTA_DST, 250);
	attribute(request.attributes + 8, RTA_GATEWAY, 10 | host << 24);
	attribute(request.attributes + 16, RTA_PRIORITY, 7);
	if (send(fd, &request, sizeof request, 0) < 0) exit(1);
}

static void print_all(const char *name, const double *values, int count)
{
	printf("\"%s\": [", name);
	for (int at = 0; at < count; at++) printf("%s%.1f", at ? ", " : "", values[at]);
	printf("]");
}

static void send_only(int fd, int rounds)
{
	double *before = calloc(rounds, sizeof *before), *after = calloc(rounds, sizeof *after);
	if (before == NULL || after == NULL) exit(1);
	for (int round = 0; round < rounds; round++) {
		usleep(3000);
		before[round] = now_us(CLOCK_REALTIME);
		replace_route(fd, 2 + round % 200, round + 1);
		after[round] = now_us(CLOCK_REALTIME);
	}
	printf("{");
	print_all("before", before, rounds);
	printf(", ");
	print_all("after", after, rounds);
	printf("}\n");
}

int main(int count, char **arguments)
{
	static char buffer[65536];
	int rounds = count > 1 ? atoi(arguments[1]) : 500;
	int fd = open_socket(0);
	pthread_t waiter;
	if (count > 2) {
		send_only(fd, rounds);
		return 0;
	}
	events = open_socket(RTMGRP_IPV4_ROUTE);
	go = eventfd(0, 0);
	heard = eventfd(0, 0);
	if (go < 0 || heard < 0 || pthread_create(&waiter, NULL, wait_for_events, NULL) != 0) return 1;
	printf("{\"us\": [");
	for (int round = 0; round < rounds; round++) {
		while (recv(events, buffer, sizeof buffer, MSG_DONTWAIT) > 0) continue;
		give(go);
		usleep(2000);
		double start = now_us(CLOCK_MONOTONIC);
		replace_route(fd, 2 + round % 200, round + 1);
		take(heard);
		if (recv(events, buffer, sizeof buffer, 0) < 0) return 1;
		printf("%s%.1f", round ? ", " : "", now_us(CLOCK_MONOTONIC) - start);
	}
	printf("]}\n");
	return 0;
}
