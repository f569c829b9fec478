/*
 * kernel_dump          The yardstick of the bench: dumps the IPv4 routes of table main, decodes them and stores destination, length,
 *                      protocol, type, metric, gateway and device of each. Prints the routes and the milliseconds of the dump.
 * kernel_dump decode   Likewise, but keeps nothing: each route is decoded over the last.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct row {
	uint32_t destination, metric, gateway, device;
	uint8_t length, protocol, type, tos;
};

static struct row *rows;
static size_t count, capacity;
static int only_decodes;

static double now_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void store(const struct nlmsghdr *header)
{
	const struct rtmsg *route = NLMSG_DATA(header);
	int left = RTM_PAYLOAD(header);
	if (count == capacity && !(only_decodes && capacity)) {
		capacity = capacity ? capacity * 2 : 1024;
		rows = realloc(rows, capacity * sizeof *rows);
		if (!rows) exit(1);
	}
	struct row *row = &rows[only_decodes ? 0 : count];
	count++;
	*row = (struct row){ .length = route->rtm_dst_len, .protocol = route->rtm_protocol,
			     .type = route->rtm_type, .tos = route->rtm_tos };
	for (const struct rtattr *a = RTM_RTA(route); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		switch (a->rta_type) {
		case RTA_DST: memcpy(&row->destination, RTA_DATA(a), 4); break;
		case RTA_GATEWAY: memcpy(&row->gateway, RTA_DATA(a), 4); break;
		case RTA_OIF: memcpy(&row->device, RTA_DATA(a), 4); break;
		case RTA_PRIORITY: memcpy(&row->metric, RTA_DATA(a), 4); break;
		}
	}
}

static int dump(int fd)
{
	static char buffer[65536];
	struct { struct nlmsghdr header; struct rtmsg route; struct rtattr attribute; uint32_t table; } request = {
		.header = { .nlmsg_len = sizeof request, .nlmsg_type = RTM_GETROUTE,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 },
		.route = { .rtm_family = AF_INET },
		.attribute = { .rta_len = 8, .rta_type = RTA_TABLE },
		.table = RT_TABLE_MAIN,
	};
	if (send(fd, &request, sizeof request, 0) < 0) return -1;
	for (;;) {
		ssize_t length = recv(fd, buffer, sizeof buffer, 0);
		if (length < 0) return -1;
		for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, length); h = NLMSG_NEXT(h, length)) {
			if (h->nlmsg_type == NLMSG_DONE) return 0;
			if (h->nlmsg_type == NLMSG_ERROR) return -1;
			if (h->nlmsg_type == RTM_NEWROUTE) store(h);
		}
	}
}

int main(int arguments, char **words)
{
	int one = 1;
	only_decodes = arguments > 1 && !strcmp(words[1], "decode");
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	if (fd < 0 || bind(fd, (void *)&address, sizeof address) < 0) return 1;
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
	double start = now_ms();
	if (dump(fd) < 0) return 1;
	printf("{\"routes\": %zu, \"ms\": %.1f}\n", count, now_ms() - start);
	return 0;
}
