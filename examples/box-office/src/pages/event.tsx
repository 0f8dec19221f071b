import { Button, NumberInput, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useReducer, useRef, useState } from 'react';
import { createKey } from '#client/client.ts';
import {
  type EventFieldsFragment,
  EventPageDocument,
  type EventPageQuery,
  WatchEventDocument,
} from '#client/generated/graphql.ts';
import type { Queued } from '#client/line.ts';
import { client, queries, useSession } from '../client.ts';
import { type Intent, intents } from '../intent.ts';
import { watch } from '../live.ts';
import { HeldSeats, useHold } from '../parts/hold.tsx';
import { ButtonLink, TextLink } from '../parts/links.tsx';
import { Poster } from '../parts/poster.tsx';
import { availabilityOf, DateStub, SeatBar, TimeThere } from '../parts/seats.tsx';
import { Empty, Loaded, Page, Problem, reload } from '../parts/states.tsx';
import { useWaitlistEntry, WaitForSeats, Waiting } from '../parts/waitlist.tsx';
import { dateTime, placeInLine, refusalIn, seats } from '../words.ts';

const SEATS_MAX = 10;
/** The longest time of a timer in a browser. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** So that the server's clock has passed the time as well. */
const CLOCK_DIFFERENCE_MS = 250;

const keyOf = (id: string) => ['event', id];

export function EventPage({ id }: { id: string }) {
  const query = useQuery({
    queryKey: keyOf(id),
    queryFn: ({ signal }) => client.request(EventPageDocument, { id }, { signal }),
  });
  useEffect(
    () =>
      watch(WatchEventDocument, { id }, ({ eventSeats }) =>
        queries.setQueryData<EventPageQuery>(keyOf(id), { event: eventSeats }),
      ),
    [id],
  );
  return (
    <Loaded query={query}>
      {({ event }) =>
        event === null ? (
          <Page title="Event not found">
            <Empty title="This event does not exist">
              <ButtonLink href="/">See all events</ButtonLink>
            </Empty>
          </Page>
        ) : (
          <EventDetails event={event} />
        )
      }
    </Loaded>
  );
}

/** Shows the page again when the sale starts, when it ends, and when the event starts. */
function useSalesTimes({ startsAt, salesStartAt, salesEndAt }: EventFieldsFragment): void {
  const [, showAgain] = useReducer((count: number) => count + 1, 0);
  const timesMs = [salesStartAt, salesEndAt, startsAt].map((iso) => Date.parse(iso ?? '') + CLOCK_DIFFERENCE_MS);
  const nextMs = Math.min(...timesMs.filter((ms) => ms > Date.now()));
  useEffect(() => {
    const timer = setTimeout(showAgain, Math.min(nextMs - Date.now(), TIMER_MS_MAX));
    return () => clearTimeout(timer);
  }, [nextMs]);
}

function EventDetails({ event }: { event: EventFieldsFragment }) {
  const session = useSession();
  useSalesTimes(event);
  return (
    <article className="event">
      <div className="event-poster">
        <Poster of={event.name} />
      </div>
      <div className="event-facts">
        <DateStub iso={event.startsAt} />
        <div>
          <Page title={event.name}>
            <p className="when">{dateTime(event.startsAt)}</p>
            <TimeThere of={event} />
            <p className="where">{event.venue ?? 'Place to be announced'}</p>
          </Page>
        </div>
      </div>
      <div className="event-text">
        {event.cancellationReason && <p className="where">Cancelled: {event.cancellationReason}</p>}
        {event.cancellationDeadline && (
          <p className="where">Bookings can be cancelled until {dateTime(event.cancellationDeadline)}.</p>
        )}
        {event.description && <p className="description">{event.description}</p>}
        {event.organizer && <Text c="dimmed">Organized by {event.organizer.name}</Text>}
        {event.organizer && event.organizer.id === session?.user.id && (
          <TextLink href={`/organize/${event.id}`}>Edit this event</TextLink>
        )}
      </div>
      <aside className="card booking-panel" aria-label="Book seats">
        <Availability event={event} />
        {session === null ? (
          <ButtonLink href={`/sign-in?next=/events/${event.id}`} size="md" fullWidth>
            Sign in to book
          </ButtonLink>
        ) : (
          session && <Booking key={session.user.id} event={event} userId={session.user.id} />
        )}
      </aside>
    </article>
  );
}

function Availability({ event }: { event: EventFieldsFragment }) {
  const { isOpen, words, note } = availabilityOf(event);
  const { availableSeats: free, totalSeats, maxSeatsPerUser } = event;
  return (
    <div className="availability" aria-live="polite">
      {isOpen && free !== null ? (
        <>
          <p>
            <b>{free.toLocaleString('en')}</b> of {seats(totalSeats ?? 0)} free
          </p>
          <SeatBar event={event} />
          {maxSeatsPerUser !== null && <p>At most {seats(maxSeatsPerUser)} per person.</p>}
        </>
      ) : (
        <>
          <p>
            <b>{words}</b>
          </p>
          {note !== undefined && <p>{note}</p>}
        </>
      )}
    </div>
  );
}

/** Books seats. A booking whose outcome is unknown is sent again with the same key: after a reload, and when back online. */
function Booking({ event, userId }: { event: EventFieldsFragment; userId: string }) {
  const [seatCount, setSeatCount] = useState(1);
  /** The seats of a hold that was confirmed on this page. */
  const [confirmedSeats, setConfirmedSeats] = useState<number>();
  /** The user's place while the event has a line. The client comes back by itself. */
  const [queued, setQueued] = useState<Queued>();
  const leaving = useRef(new AbortController());
  const inLine = () => ({ onQueued: setQueued, signal: leaving.current.signal });
  const held = useHold(event.id, userId);
  const entry = useWaitlistEntry(event.id, userId);
  const hold = useMutation({
    mutationFn: () => client.hold({ eventId: event.id, seatCount }, inLine()),
    onSettled: () => setQueued(undefined),
    async onSuccess() {
      await reload('holds');
      void reload('event');
    },
  });
  const booking = useMutation({
    mutationFn: ({ idempotencyKey, eventId, seatCount }: Intent) =>
      client.book({ idempotencyKey, eventId, seatCount }, inLine()),
    onSettled: () => setQueued(undefined),
    onSuccess() {
      intents.clear();
      void reload('bookings');
      void reload('event');
    },
  });
  const { mutate, data, error, isPending, variables } = booking;
  useEffect(() => {
    const resume = () => {
      const intent = intents.load();
      if (intent?.eventId === event.id && intent.userId === userId) mutate(intent);
    };
    resume();
    addEventListener('online', resume);
    return () => removeEventListener('online', resume);
  }, [event.id, userId, mutate]);

  function book(): void {
    const intent = { idempotencyKey: createKey(), eventId: event.id, userId, seatCount };
    intents.save(intent);
    mutate(intent);
  }
  function startOver(): void {
    intents.clear();
    booking.reset();
    setConfirmedSeats(undefined);
  }

  function leaveLine(): void {
    leaving.current.abort();
    leaving.current = new AbortController();
    setQueued(undefined);
    hold.reset();
    startOver();
  }

  if (queued !== undefined && (isPending || hold.isPending))
    return (
      <>
        <p role="status">
          <b>{placeInLine(queued)}</b> Many people want seats now. Keep this page open: you get your turn by itself.
        </p>
        <Button variant="default" fullWidth onClick={leaveLine}>
          Leave the line
        </Button>
      </>
    );
  if (isPending)
    return (
      <>
        <Button size="md" fullWidth loading>
          Booking
        </Button>
        <p role="status">Booking {seats(variables.seatCount)} …</p>
      </>
    );
  if (error !== null)
    return (
      <>
        <Problem of={error} retry={() => mutate(variables)} />
        <p>Your booking of {seats(variables.seatCount)} is kept. You can try again: the seats are booked only once.</p>
        <Button variant="default" fullWidth onClick={startOver}>
          Give up this booking
        </Button>
      </>
    );
  const bookedSeats = data?.__typename === 'CreateBookingPayload' ? data.booking.seatCount : confirmedSeats;
  if (bookedSeats !== undefined)
    return (
      <>
        <p role="status">
          <b>You have booked {seats(bookedSeats)}.</b> The confirmation is on its way.
        </p>
        <ButtonLink href="/bookings" fullWidth>
          See my bookings
        </ButtonLink>
        <Button variant="default" fullWidth onClick={startOver}>
          Book more seats
        </Button>
      </>
    );
  if (held !== undefined) return <HeldSeats key={held.id} hold={held} onBooked={setConfirmedSeats} />;
  const { isOpen, isSoldOut } = availabilityOf(event);
  if (entry !== undefined) return <Waiting entry={entry} />;
  const problem = refusalIn(data) ?? hold.error ?? refusalIn(hold.data);
  return (
    <>
      {problem && <Problem of={problem} />}
      {isSoldOut && <WaitForSeats event={event} seatsMax={SEATS_MAX} />}
      {isOpen && (
        <>
          <NumberInput
            label="Seats"
            size="md"
            min={1}
            max={Math.min(SEATS_MAX, event.availableSeats ?? SEATS_MAX, event.maxSeatsPerUser ?? SEATS_MAX)}
            clampBehavior="strict"
            allowDecimal={false}
            value={seatCount}
            onChange={(value) => setSeatCount(Number(value) || 1)}
          />
          <Button size="md" fullWidth onClick={book}>
            Book {seats(seatCount)}
          </Button>
          <Button variant="default" fullWidth loading={hold.isPending} onClick={() => hold.mutate()}>
            Hold {seats(seatCount)} while I decide
          </Button>
        </>
      )}
    </>
  );
}
