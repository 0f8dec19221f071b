import type { LookupAddress, LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** As dns.lookup, asked for all addresses. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A look-up for sockets that begins with any of a name's addresses. The system's own look-up puts first the one that has
 * most in common with this machine's, every time: of several servers behind one name, one would get all connections.
 */
export const createShuffledLookup =
  (resolve: Resolve): LookupFunction =>
  (hostname, options, answer) =>
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return answer(error, []);
      const first = Math.floor(Math.random() * addresses.length);
      answer(null, [...addresses.slice(first), ...addresses.slice(0, first)]);
    });
