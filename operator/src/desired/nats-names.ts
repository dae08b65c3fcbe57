// Where managed NATS servers are, and what is called after them.

export const natsPorts = { client: 4222, cluster: 6222, monitor: 8222 } as const;

/** The servers' StatefulSet, and the Service where they are reached. */
export const natsName = (pool: string) => `${pool}-nats`;

/** The Service by which each server has an address of its own, ready or not. */
export const natsHeadlessService = (pool: string) => `${natsName(pool)}-headless`;

/** The servers, each by its own address. */
export const natsHosts = (pool: string, replicas: number): readonly string[] =>
  Array.from({ length: replicas }, (_, index) => `${pool}-nats-${index}.${natsHeadlessService(pool)}`);

/** The Secret with the name and the password of a user, which is called after its service. */
export const natsUserSecret = (pool: string, user: string) => `${pool}-nats-${user}`;
