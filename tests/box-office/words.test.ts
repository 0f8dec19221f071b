import { expect, it } from 'vitest';
import { OperationError } from '#client/answers.ts';
import { seats, wordsFor } from '../../examples/box-office/src/words.ts';

const refusal = (code: string, numbers: object = {}) => wordsFor({ code, message: 'Of the server.', ...numbers });
const failure = (code: string, extensions: object = {}) =>
  wordsFor(new OperationError([{ message: '', extensions: { code, ...extensions } }], { isMutation: true }));

it('the words agree with the number of seats', () => {
  expect([seats(1), seats(2), seats(1_500)]).toEqual(['1 seat', '2 seats', '1,500 seats']);
  expect(refusal('SOLD_OUT', { availableSeats: 0 })).toContain('This event is sold out.');
  expect(refusal('SOLD_OUT', { availableSeats: 1 })).toBe('There is only 1 seat left. Choose fewer seats.');
  expect(refusal('SOLD_OUT', { availableSeats: 3 })).toBe('There are only 3 seats left. Choose fewer seats.');
  expect(refusal('SEATS_AVAILABLE', { availableSeats: 1 })).toContain('1 seat is free now.');
  expect(refusal('ALREADY_WAITING', { seatCount: 4 })).toContain('You wait for 4 seats already.');
  expect(refusal('TOO_MANY_SEATS', { seatsLeft: 1 })).toBe('Only 1 more guest can come in with this ticket.');
  expect(refusal('TOO_MANY_SEATS', { seatsLeft: 2 })).toBe('Only 2 more guests can come in with this ticket.');
  expect(refusal('BOOKING_CHECKED_IN', { checkedInSeats: 1 })).toContain('1 seat of this booking was used');
  expect(refusal('BOOKING_CHECKED_IN', { checkedInSeats: 2 })).toContain('2 seats of this booking were used');
  expect(refusal('QUEUED', { position: 1_499 })).toBe('You are number 1,500 in the line.');
  expect(refusal('CAPACITY_BELOW_BOOKED', { bookedSeats: 1 })).toContain('1 seat is already booked or held.');
  expect(refusal('CAPACITY_BELOW_BOOKED', { bookedSeats: 4 })).toContain('4 seats are already booked or held.');
});

it('a failure says what to do, or the number that finds it in the logs', () => {
  expect(failure('RATE_LIMITED', { retryAfter: 11.2 })).toBe(
    'You sent many requests in a short time. Try again in 12 seconds.',
  );
  expect(failure('RATE_LIMITED')).toContain('Try again in a minute.');
  expect(failure('INTERNAL_SERVER_ERROR', { errorId: 'e-1' })).toContain('The number of this error is e-1.');
  expect(refusal('A_NEW_CODE')).toBe('Of the server.');
  expect(wordsFor(new TypeError('undefined is not a function'))).not.toContain('undefined');
});
