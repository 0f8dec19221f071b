import jsqr from 'jsqr';
import { v7 as newId } from 'uuid';
import { expect, test } from 'vitest';
import { qrSvgOf } from './qr.ts';
import { createTicketKeys } from './testing.ts';
import { createTickets } from './tickets.ts';

const PIXELS_PER_MODULE = 4;

/** Draws the modules of the SVG document, which are squares of size 1, as white and black pixels. */
function draw(svg: string) {
  const [, size = ''] = /viewBox="0 0 (\d+) \d+"/.exec(svg) ?? [];
  const width = Number(size) * PIXELS_PER_MODULE;
  const pixels = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y] of svg.matchAll(/M(\d+),(\d+)h1v1h-1z/g)) {
    for (let row = 0; row < PIXELS_PER_MODULE; row += 1) {
      const start = ((Number(y) * PIXELS_PER_MODULE + row) * width + Number(x) * PIXELS_PER_MODULE) * 4;
      for (let at = start; at < start + PIXELS_PER_MODULE * 4; at += 4) pixels.fill(0, at, at + 3);
    }
  }
  return { pixels, width };
}

test('A scanner reads the code from the QR code, which is small', () => {
  const tickets = createTickets(createTicketKeys());
  for (let seatCount = 1; seatCount <= 20; seatCount += 1) {
    const code = tickets.codeOf({ bookingId: newId(), eventId: newId(), seatCount });
    const svg = qrSvgOf(code);
    expect(svg.length).toBeLessThanOrEqual(16 * 1024);
    const { pixels, width } = draw(svg);
    expect(jsqr.default(pixels, width, width)).toMatchObject({ data: code, version: 7 });
  }
});
