import type { Redis } from 'ioredis';
import { redisDebug } from '#platform/redis/debug.ts';

/** The events that have a line now. */
const OPEN_LINES = 'lines';
const lineKey = (eventId: string) => `line:${eventId}`;
const usersKey = (eventId: string) => `line:${eventId}:users`;

/**
 * A line is the last number issued and the last one admitted. It begins with the microseconds of the server's clock, so
 * its numbers are greater than those of an earlier line of the event that Redis has lost or forgotten. Numbers below
 * 2^53 are exact in Lua. They are formatted explicitly, because Lua writes only 14 digits of a number.
 *
 * Each user has a field with their number, and one with the number that was used up last and the key that used it.
 */
const ENTER_SCRIPT = `
local line, users, lines = KEYS[1], KEYS[2], KEYS[3]
local event, user, key, given, mayOpen, hasRoom, life = unpack(ARGV)
if redis.call('SISMEMBER', lines, event) == 0 then
  if mayOpen == '0' then return false end
  redis.call('SADD', lines, event)
end
if redis.call('EXISTS', line) == 0 then
  local now = redis.call('TIME')
  local start = now[1] .. string.format('%06d', now[2])
  redis.call('HSET', line, 'issued', start, 'admitted', start)
  redis.call('EXPIRE', line, life)
end
local number = tonumber(given)
local kept = tonumber(redis.call('HGET', users, user) or '')
local used = redis.call('HGET', users, user .. ':used')
if used then
  local last, usedFor = string.match(used, '^(%d+):(.*)$')
  last = tonumber(last)
  if usedFor == key then return {last, math.max(last, tonumber(redis.call('HGET', line, 'admitted')))} end
  if kept and kept <= last then kept = nil end
  if number and number <= last then number = nil end
end
if kept then number = math.min(number or kept, kept) end
local issued = tonumber(redis.call('HGET', line, 'issued'))
local admitted = tonumber(redis.call('HGET', line, 'admitted'))
if not number then number = issued + 1 end
local text = string.format('%.0f', number)
if number > issued then redis.call('HSET', line, 'issued', text) end
if number ~= kept then redis.call('HSET', users, user, text) end
if redis.call('TTL', users) < 0 then redis.call('EXPIRE', users, life) end
if number == admitted + 1 and hasRoom == '1' then
  admitted = number
  redis.call('HSET', line, 'admitted', text)
end
return {number, admitted}`;

/** A line closes when all numbers are admitted and no process was busy with its event for a second. */
const ADVANCE_SCRIPT = `
local line, users, lines = KEYS[1], KEYS[2], KEYS[3]
local event, turns, decided, isBusy, life = unpack(ARGV)
local issued = tonumber(redis.call('HGET', line, 'issued'))
if not issued then
  redis.call('SREM', lines, event)
  return false
end
local admitted = math.min(issued, tonumber(redis.call('HGET', line, 'admitted')) + tonumber(turns))
redis.call('HSET', line, 'admitted', string.format('%.0f', admitted))
redis.call('EXPIRE', line, life)
redis.call('EXPIRE', users, life)
local now = tonumber(redis.call('TIME')[1])
if isBusy == '1' then redis.call('HSET', line, 'busyAt', now)
elseif admitted == issued and now > tonumber(redis.call('HGET', line, 'busyAt') or 0) + 1 then
  redis.call('SREM', lines, event)
  return false
end
return {issued, admitted, redis.call('HINCRBY', line, 'decided', decided)}`;

interface LineRedis extends Redis {
  enterLine(...keysAndArguments: string[]): Promise<[number, number] | null>;
  advanceLine(...keysAndArguments: string[]): Promise<[number, number, number] | null>;
}

/** The caller's number, and the last one admitted. */
export interface Entry {
  readonly number: number;
  readonly admitted: number;
}

/** The last numbers issued and admitted, and the decisions of all processes about the event while it had a line. */
export interface LineState {
  readonly issued: number;
  readonly admitted: number;
  readonly decided: number;
}

export type Lines = ReturnType<typeof createLines>;

/**
 * The lines of events in Redis, which all processes share. Each change is one script. They know only the order of users
 * and nothing about seats. Every function throws when Redis does not answer in time.
 * @param lifeS the time after which a line is forgotten that no process advances, with the numbers of its users
 */
export function createLines(connection: Redis, { lifeS }: { lifeS: number }) {
  const redis = connection as LineRedis;
  redis.defineCommand('enterLine', { lua: ENTER_SCRIPT, numberOfKeys: 3 });
  redis.defineCommand('advanceLine', { lua: ADVANCE_SCRIPT, numberOfKeys: 3 });
  const keysOf = (eventId: string) => [lineKey(eventId), usersKey(eventId), OPEN_LINES];
  const life = String(lifeS);

  return {
    /** Returns the events that have a line. */
    open: (): Promise<string[]> => redis.smembers(OPEN_LINES),
    /**
     * Returns the user's number in the line, or undefined if the event has none. A user without a number gets the next
     * one. A number that was used up counts only for the key that used it.
     * @param number the number of a valid place
     * @param mayOpen opens a line when there is none
     * @param hasRoom admits the first one of the line at once
     */
    async enter({
      eventId,
      userId,
      key,
      number,
      mayOpen,
      hasRoom,
    }: {
      eventId: string;
      userId: string;
      key: string;
      number: number | undefined;
      mayOpen: boolean;
      hasRoom: boolean;
    }): Promise<Entry | undefined> {
      const given = number === undefined ? '' : String(number);
      const flags = [mayOpen, hasRoom].map((flag) => (flag ? '1' : '0'));
      const answer = await redis.enterLine(...keysOf(eventId), eventId, userId, key, given, ...flags, life);
      return answer === null ? undefined : { number: answer[0], admitted: answer[1] };
    },
    /** Marks a number as used up by the request with this key. */
    async useUp({ eventId, userId, key, number }: { eventId: string; userId: string; key: string; number: number }) {
      const users = usersKey(eventId);
      await Promise.all([redis.hset(users, `${userId}:used`, `${number}:${key}`), redis.expire(users, lifeS)]);
    },
    /**
     * Admits up to `turns` more numbers. Returns the line, or undefined when it has closed.
     * @param decided the number of decisions of this process since its last call
     * @param isBusy keeps the line open
     */
    async advance(
      eventId: string,
      { turns, decided, isBusy }: { turns: number; decided: number; isBusy: boolean },
    ): Promise<LineState | undefined> {
      const flag = isBusy ? '1' : '0';
      const answer = await redis.advanceLine(...keysOf(eventId), eventId, String(turns), String(decided), flag, life);
      return answer === null ? undefined : { issued: answer[0], admitted: answer[1], decided: answer[2] };
    },
    isHealthy: () => redis.status === 'ready',
    redis: redisDebug(redis),
    stop: async () => redis.disconnect(),
  };
}
