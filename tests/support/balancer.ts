import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP load balancer: one address for several servers, like a Kubernetes Service. */
export interface Balancer {
  readonly url: string;
  /** Sets the addresses to which new connections go in turn. Existing connections stay open. */
  setTargets(...urls: string[]): void;
  close(): void;
}

export async function createBalancer(): Promise<Balancer> {
  let targets: URL[] = [];
  let accepted = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = targets[accepted++ % targets.length];
    if (target === undefined) return client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => sockets.delete(one) && other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setTargets: (...urls) => {
      targets = urls.map((url) => new URL(url));
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
