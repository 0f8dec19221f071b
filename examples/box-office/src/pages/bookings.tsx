import { Badge } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { CancelBookingDocument, OwnBookingsDocument, type OwnBookingsQuery } from '#client/generated/graphql.ts';
import { client, useSession } from '../client.ts';
import { Confirmed, ReasonInput } from '../parts/confirm.tsx';
import { ButtonLink, TextLink } from '../parts/links.tsx';
import { List, useList } from '../parts/list.tsx';
import { DateStub, TimeThere } from '../parts/seats.tsx';
import { Empty, Page, Problem, reload } from '../parts/states.tsx';
import { ShowTicket } from '../parts/ticket.tsx';
import { dateTime, refusalIn, seats } from '../words.ts';

type OwnBooking = OwnBookingsQuery['bookings']['nodes'][number];

const NEWS_MS = 2_000;
/** A notification that takes longer than this waits for the mail server, so the page stops asking often. */
const SOON_MS = 60_000;

export function BookingsPage() {
  const session = useSession();
  const query = useList({
    queryKey: ['bookings', session?.user.id],
    load: async (page, options) => (await client.request(OwnBookingsDocument, page, options)).bookings,
    refetchMs: (bookings) => bookings.some(waitsForNotification) && NEWS_MS,
  });
  const empty = (
    <Empty title="No bookings yet">
      <p>Your tickets will be here.</p>
      <ButtonLink href="/">Find an event</ButtonLink>
    </Empty>
  );
  return (
    <Page title="My bookings">
      <List query={query} more="Show more bookings" empty={empty}>
        {(bookings) => (
          <ul className="tickets">
            {bookings.map((booking) => (
              <li key={booking.id} className="card ticket" data-cancelled={booking.status === 'CANCELLED'}>
                <Ticket booking={booking} />
              </li>
            ))}
          </ul>
        )}
      </List>
    </Page>
  );
}

function Ticket({ booking }: { booking: OwnBooking }) {
  const { event, seatCount, status } = booking;
  const deadline = status === 'CONFIRMED' && event?.cancellationDeadline;
  const mayCancel = status === 'CONFIRMED' && !(deadline && Date.parse(deadline) <= Date.now());
  const [reason, setReason] = useState('');
  const cancel = useMutation({
    mutationFn: () =>
      client.request(CancelBookingDocument, { input: { id: booking.id, reason: reason.trim() || null } }),
    onSuccess: () => reload('bookings'),
  });
  const problem = cancel.error ?? refusalIn(cancel.data?.cancelBooking);
  return (
    <>
      {event && <DateStub iso={event.startsAt} />}
      <div className="ticket-text">
        <h2>
          {event ? <TextLink href={`/events/${event.id}`}>{event.name}</TextLink> : 'Event unknown at the moment'}
        </h2>
        {event && (
          <p className="where">
            {dateTime(event.startsAt)}
            {event.venue && ` · ${event.venue}`}
          </p>
        )}
        {event && <TimeThere of={event} />}
        {booking.cancellationReason && <p className="where">Reason: {booking.cancellationReason}</p>}
        {deadline && <p className="where">You can cancel until {dateTime(deadline)}.</p>}
        <p className="news" aria-live="polite">
          {newsOf(booking)}
        </p>
        {problem && <Problem of={problem} />}
      </div>
      <div className="ticket-side">
        <Badge color={status === 'CONFIRMED' ? 'evergreen' : 'gray'}>
          {status === 'CONFIRMED' ? seats(seatCount) : 'Cancelled'}
        </Badge>
        {status === 'CONFIRMED' && <ShowTicket bookingId={booking.id} title={event?.name ?? 'Ticket'} />}
        {mayCancel && booking.checkedInSeats === 0 && (
          <Confirmed
            label="Cancel booking"
            title="Cancel this booking?"
            isLoading={cancel.isPending}
            onConfirm={() => cancel.mutate()}
            field={<ReasonInput value={reason} onChange={setReason} />}
          >
            Your {seats(seatCount)} for {event?.name ?? 'this event'} will be free for others.
          </Confirmed>
        )}
      </div>
    </>
  );
}

const kindOf = ({ status }: OwnBooking) => (status === 'CONFIRMED' ? 'BOOKING_CONFIRMED' : 'BOOKING_CANCELLED');

const notificationOf = (booking: OwnBooking) => booking.notifications?.find(({ kind }) => kind === kindOf(booking));

function waitsForNotification(booking: OwnBooking): boolean {
  const changedAt = Date.parse(booking.cancelledAt ?? booking.createdAt);
  const { status = 'PENDING' } = notificationOf(booking) ?? {};
  return status === 'PENDING' && Date.now() - changedAt < SOON_MS;
}

/** Says which notification about the booking the user has got. */
function newsOf(booking: OwnBooking): string {
  const what = booking.status === 'CONFIRMED' ? 'confirmation' : 'cancellation notice';
  const { status = 'PENDING', sentAt } = notificationOf(booking) ?? {};
  if (status === 'SENT' && sentAt) return `We sent you the ${what} on ${dateTime(sentAt)}.`;
  if (status === 'FAILED') return `We could not send you the ${what}. The booking itself is safe.`;
  return `The ${what} is on its way.`;
}
