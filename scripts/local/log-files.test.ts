import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SERVICES, type ServiceName } from '#services';
import { createLineFormat, findLines, followLogs, isAtLeast, type LogLine } from './log-files.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'ebs-logs-'));
  mkdirSync(join(dataDir, 'logs'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const fileOf = (name: string) => join(dataDir, 'logs', `${name}.log`);
const lineOf = (msg: string, fields: object = {}) => `${JSON.stringify({ level: 'info', msg, ...fields })}\n`;

test('Logs are followed from their last lines, over restarts, with whole lines and characters only', async () => {
  writeFileSync(fileOf('booking'), ['one', 'two', 'three'].map((msg) => lineOf(msg)).join(''));
  const seen: string[] = [];
  const end = new AbortController();
  const followed = followLogs({
    dataDir,
    services: ['booking', 'event'],
    lastLines: 2,
    onLine: ({ service, fields, text }) => seen.push(`${service} ${fields?.msg ?? text}`),
    signal: end.signal,
  });
  expect(seen).toEqual(['booking two', 'booking three']);
  const [first, rest] = [Buffer.from(lineOf('größer')).subarray(0, 26), Buffer.from(lineOf('größer')).subarray(26)];
  expect(first.at(-1)).toBe(0xc3);
  appendFileSync(fileOf('booking'), first);
  writeFileSync(fileOf('event'), 'Error: it crashed\n');
  // The logs are read in this order, so the beginning of the line has been read as well.
  await vi.waitFor(() => expect(seen.slice(2)).toEqual(['event Error: it crashed']));
  appendFileSync(fileOf('booking'), rest);
  await vi.waitFor(() => expect(seen.slice(3)).toEqual(['booking größer']));
  renameSync(fileOf('booking'), fileOf('booking.previous'));
  writeFileSync(fileOf('booking'), lineOf('again'));
  await vi.waitFor(() => expect(seen.at(-1)).toBe('booking again'));
  end.abort();
  await followed;
});

test('An id finds the lines of its request in all logs, in order of time', () => {
  const at = (second: number) => ({ time: `2026-11-30T10:00:0${second}.000Z` });
  writeFileSync(fileOf('gateway'), lineOf('request', { ...at(4), requestId: 'r1' }) + lineOf('other', at(1)));
  writeFileSync(fileOf('booking'), lineOf('request', { ...at(2), requestId: 'r1', errorId: 'e1' }));
  writeFileSync(fileOf('notification.previous'), lineOf('notification sent', { ...at(5), requestId: 'r1' }));
  const found = (id: string) => findLines(dataDir, id).map(({ service, fields }) => `${service} ${fields?.msg}`);
  const lines = ['booking request', 'gateway request', 'notification notification sent'];
  expect(found('r1')).toEqual(lines);
  expect(found('e1')).toEqual(lines);
  expect(found('r2')).toEqual([]);
});

test('Lines are shown with their service, level and fields. A crash is always shown', () => {
  const format = createLineFormat({ colorize: false });
  const lineFrom = (service: ServiceName, fields: LogLine['fields'], text = JSON.stringify(fields)): LogLine => ({
    service,
    text,
    fields,
  });
  const warning = lineFrom('event', { level: 'warn', time: '2026-11-30T10:00:00.000Z', msg: 'broker lost', tries: 2 });
  expect(format(warning)).toMatch(/^event {9}\[\d\d:00:00\.000\] WARN: broker lost \{"tries":2\}$/);
  const coloured = createLineFormat({ colorize: true });
  const colourOf = (service: ServiceName) =>
    coloured(lineFrom(service, warning.fields, warning.text)).slice(0, '\x1b[36m'.length);
  expect(coloured(warning)).toContain(`${colourOf('event')}event`);
  expect(new Set(SERVICES.map(colourOf)).size).toBe(SERVICES.length);
  const crash = lineFrom('gateway', undefined, 'Error: it crashed');
  expect(format(crash)).toBe('gateway       Error: it crashed');
  expect([warning, crash, lineFrom('user', { level: 'info' })].map((line) => isAtLeast(line, 'warn'))).toEqual([
    true,
    true,
    false,
  ]);
});
