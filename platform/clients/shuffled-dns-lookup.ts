import type { LookupAddress, LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** The signature of dns.lookup with the option `all`. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Creates a DNS look-up for sockets that starts with a random one of a name's addresses. The system's look-up always
 * puts the address first that is most similar to this machine's own. With several servers behind one name, one server
 * would get all connections.
 */
export const createShuffledLookup =
  (resolve: Resolve): LookupFunction =>
  (hostname, options, answer) =>
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return answer(error, []);
      const first = Math.floor(Math.random() * addresses.length);
      answer(null, [...addresses.slice(first), ...addresses.slice(0, first)]);
    });
