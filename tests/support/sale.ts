import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type BookingProcess, createBookingProcess } from './booking-process.ts';
import { type Buyer, signInMany } from './buyers.ts';
import { createEvent, signUp } from './client.ts';
import { eachOfMany } from './random.ts';
import type { TestSystem } from './system.ts';

const SEATS = 100_000;
const BUYERS = 50;

/** An event on sale, with its buyers. */
export interface Sale {
  /**
   * Makes `count` bookings of one seat at the booking process of an address, `atOnce` at a time. Returns their ids.
   * @throws when a booking does not succeed
   */
  sell(url: string, count: number, atOnce?: number): Promise<string[]>;
  /** Returns a client of the booking process at an address. */
  processAt(url: string): BookingProcess;
  readonly eventId: string;
  readonly buyers: readonly Buyer[];
  /** The ids of all bookings sold by `sell`. */
  readonly sold: readonly string[];
  close(): Promise<void>;
}

export async function openSale(system: TestSystem): Promise<Sale> {
  const eventId = await createEvent(await signUp(system.graphqlUrl), { totalSeats: SEATS });
  const buyers = await signInMany(BUYERS, system.secrets);
  const processes = new Map<string, BookingProcess>();
  const sold: string[] = [];
  const processAt = (url: string) => {
    const process = processes.get(url) ?? createBookingProcess(url, system.secrets.subgraphs.booking);
    processes.set(url, process);
    return process;
  };
  return {
    eventId,
    buyers,
    sold,
    processAt,
    async sell(url, count, atOnce = BUYERS) {
      const ids = await eachOfMany(Array.from({ length: count }), atOnce, async (_, index) => {
        const input = { eventId, seatCount: 1, idempotencyKey: randomUUID() };
        const answer = await processAt(url).book(buyers[index % BUYERS] as Buyer, input);
        if (answer.outcome !== 'booked') throw new Error(`not booked: ${JSON.stringify(answer)}`);
        return answer.bookingId;
      });
      expect(new Set(ids).size).toBe(count);
      sold.push(...ids);
      return ids;
    },
    async close() {
      await Promise.all([...processes.values()].map((process) => process.close()));
    },
  };
}
