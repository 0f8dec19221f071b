import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { v7 as newId } from 'uuid';
import { describe, expect, it } from 'vitest';
import { fromBase32, toBase32 } from './base32.ts';
import { createTicketKeys } from './testing.ts';
import { CODE_LENGTH, createTickets, type TicketKey } from './tickets.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const anyTicket = fc.record({
  bookingId: fc.uuid({ version: 7 }),
  eventId: fc.uuid({ version: 7 }),
  seatCount: fc.integer({ min: 1, max: 1_000 }),
});
const ticketOf = (seatCount = 2) => ({ bookingId: newId(), eventId: newId(), seatCount });

/** The example of docs/tickets.md. */
async function documentedReader() {
  const [, example = ''] = /```js\n([\s\S]+?)```/.exec(readFileSync('docs/tickets.md', 'utf8')) ?? [];
  const { readTicket } = await import(`data:text/javascript,${encodeURIComponent(example)}`);
  return { example, readTicket: readTicket as (code: string, keys: readonly TicketKey[]) => object | undefined };
}

describe('the code of a ticket', () => {
  const keys = createTicketKeys();
  const tickets = createTickets(keys);

  it('says which booking, event and seats it is for, in upper-case letters and digits', () => {
    fc.assert(
      fc.property(anyTicket, (ticket) => {
        const code = tickets.codeOf(ticket);
        expect(code).toMatch(/^[A-Z2-7]{168}$/);
        expect(code).toHaveLength(CODE_LENGTH);
        expect(tickets.read(code)).toEqual(ticket);
        expect(tickets.codeOf(ticket)).toBe(code);
      }),
    );
  });

  it('is refused when any of its bytes is changed', () => {
    fc.assert(
      fc.property(anyTicket, fc.integer({ min: 1, max: 255 }), (ticket, change) => {
        const bytes = fromBase32(tickets.codeOf(ticket)) ?? Buffer.alloc(0);
        for (const [at, byte] of bytes.entries()) {
          const changed = Buffer.from(bytes);
          changed[at] = byte ^ change;
          expect(tickets.read(toBase32(changed))).toBeUndefined();
        }
      }),
      { numRuns: 5 },
    );
  });

  it('is refused when any of its characters is changed, removed or added', () => {
    const code = tickets.codeOf(ticketOf());
    for (let at = 0; at < CODE_LENGTH; at += 1) {
      const other = ALPHABET[(ALPHABET.indexOf(code[at] ?? '') + 1 + (at % 31)) % 32];
      for (const character of [other, '', '1', '-', `${code[at]}A`]) {
        expect(tickets.read(code.slice(0, at) + character + code.slice(at + 1))).toBeUndefined();
      }
    }
  });

  it('is refused when it is no code at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(tickets.read(text)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 105, maxLength: 105 }), (bytes) => {
        expect(tickets.read(toBase32(bytes))).toBeUndefined();
      }),
    );
  });

  it('is valid while its public key is published, and not without it', () => {
    const next = createTicketKeys('next');
    const code = tickets.codeOf(ticketOf());
    const both = { keys: [...next.publicKeys.keys, ...keys.publicKeys.keys] };
    const during = createTickets({ privateKey: next.privateKey, publicKeys: both });
    expect(during.read(code)).toBeDefined();
    expect(during.keys).toHaveLength(2);
    expect(createTickets(next).read(code)).toBeUndefined();
    // A pod that still signs with the old key accepts the tickets of a pod that signs with the new one.
    const before = createTickets({ privateKey: keys.privateKey, publicKeys: both });
    expect(before.read(during.codeOf(ticketOf()))).toBeDefined();
  });

  it('is not valid with the signature of another key under the id of a published one', () => {
    const [ticket, forger] = [ticketOf(), createTicketKeys('forger')];
    const genuine = fromBase32(tickets.codeOf(ticket)) ?? Buffer.alloc(0);
    const forged = fromBase32(createTickets(forger).codeOf(ticket)) ?? Buffer.alloc(0);
    genuine.copy(forged, 0, 0, 7);
    expect(tickets.read(toBase32(forged))).toBeUndefined();
  });

  it('is verified offline by the example of the documentation', async () => {
    const { example, readTicket } = await documentedReader();
    expect(example.trim().split('\n').length).toBeLessThanOrEqual(16);
    fc.assert(
      fc.property(anyTicket, (ticket) => {
        expect(readTicket(tickets.codeOf(ticket), tickets.keys)).toEqual(ticket);
      }),
    );
    const code = tickets.codeOf(ticketOf());
    expect(readTicket(code, createTickets(createTicketKeys()).keys)).toBeUndefined();
    for (let at = 0; at < CODE_LENGTH; at += 1) {
      const changed = ALPHABET[(ALPHABET.indexOf(code[at] ?? '') + 1) % 32];
      expect(readTicket(code.slice(0, at) + changed + code.slice(at + 1), tickets.keys)).toBeUndefined();
    }
    expect(readTicket('no ticket', tickets.keys)).toBeUndefined();
  });
});

describe('base32', () => {
  it('has the form of RFC 4648', () => {
    expect(toBase32(Buffer.from('fooba'))).toBe('MZXW6YTB');
    expect(fromBase32('MZXW6YTB')?.toString()).toBe('fooba');
  });

  it('returns the same bytes, and exactly one text stands for them', () => {
    const bytes = fc
      .uint8Array({ minLength: 1, maxLength: 20 })
      .map((all) => new Uint8Array([...all, ...all, ...all, ...all, ...all]));
    fc.assert(
      fc.property(bytes, (all) => {
        expect(fromBase32(toBase32(all))).toEqual(Buffer.from(all));
      }),
    );
    const texts = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(texts, (text) => {
        expect(toBase32(fromBase32(text) ?? new Uint8Array())).toBe(text);
      }),
    );
  });
});
