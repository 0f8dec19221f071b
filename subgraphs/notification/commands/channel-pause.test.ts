import { beforeEach, expect, test } from 'vitest';
import { type ChannelPause, createChannelPause } from './channel-pause.ts';

let nowMs: number;
let chance: number;
let pause: ChannelPause;
beforeEach(() => {
  nowMs = 0;
  chance = 0.5;
  pause = createChannelPause({ nowMs: () => nowMs, random: () => chance });
});

const room = (inFlight = 0) => pause.roomFor({ free: 5 - inFlight, inFlight });

test('an available channel gets as many deliveries as it has room for', () => {
  expect([room(), room(3)]).toEqual([5, 2]);
  expect(pause.isAway()).toBe(false);
});

test('an unavailable channel is probed by one delivery at a time, after pauses that double up to a minute', () => {
  const pausesMs: number[] = [];
  for (let failure = 0; failure < 8; failure += 1) {
    pause.foundAway(nowMs);
    const beganMs = nowMs;
    expect(pause.isAway()).toBe(true);
    while (room() === 0) nowMs += 500;
    pausesMs.push(nowMs - beganMs);
    expect([room(), room(1)]).toEqual([1, 0]);
  }
  expect(pausesMs).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test('concurrent deliveries that fail together cause only one pause', () => {
  nowMs = 1_000;
  for (let delivery = 0; delivery < 5; delivery += 1) {
    pause.foundAway(900);
    nowMs += 10;
  }
  nowMs = 2_001;
  expect(room()).toBe(1);
});

test('the first successful delivery ends the pause, and the next pause is short again', () => {
  for (let failure = 0; failure < 5; failure += 1) {
    pause.foundAway(nowMs);
    nowMs += 60_000;
  }
  pause.foundAvailable();
  expect(room()).toBe(5);
  pause.foundAway(nowMs);
  nowMs += 1_000;
  expect(room()).toBe(1);
});

test('pauses vary by up to 20 %, so that replicas do not probe at the same time', () => {
  chance = 0;
  pause.foundAway(nowMs);
  nowMs = 800;
  expect(room()).toBe(1);
  pause.foundAvailable();
  chance = 0.999;
  pause.foundAway(nowMs);
  nowMs = 800 + 1_190;
  expect(room()).toBe(0);
});
