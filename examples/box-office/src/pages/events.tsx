import { Badge, Button, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { type EventFieldsFragment, EventsDocument } from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { List, useList } from '../parts/list.tsx';
import { Poster } from '../parts/poster.tsx';
import { availabilityOf, SeatBar } from '../parts/seats.tsx';
import { Empty, Page } from '../parts/states.tsx';
import { dateTime } from '../words.ts';

const TYPING_MS = 250;
const PAGE_SIZE = 24;

export function EventsPage() {
  const [parameters, setParameters] = useSearchParams();
  const [text, setText] = useState(parameters.get('q') ?? '');
  const [search] = useDebouncedValue(text.trim(), TYPING_MS);
  useEffect(() => setParameters(search === '' ? {} : { q: search }, { replace: true }), [search, setParameters]);

  const query = useList({
    queryKey: ['events', search],
    load: async (page, options) => {
      const filter = { nameContains: search === '' ? null : search };
      return (await client.request(EventsDocument, { ...page, first: PAGE_SIZE, filter }, options)).events;
    },
  });
  return (
    <Page title="Events" intro="Find an event, see its free seats and book.">
      <TextInput
        type="search"
        aria-label="Search events"
        placeholder="Search by name"
        size="md"
        className="search"
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
      />
      <List query={query} more="Show more events" empty={<NoEvents search={search} onClear={() => setText('')} />}>
        {(events) => (
          <ul className="cards">
            {events.map((event) => (
              <li key={event.id}>
                <EventCard event={event} />
              </li>
            ))}
          </ul>
        )}
      </List>
    </Page>
  );
}

function EventCard({ event }: { event: EventFieldsFragment }) {
  const { isOpen, words } = availabilityOf(event);
  return (
    <Link href={`/events/${event.id}`} className="card event-card">
      <Poster of={event.name} />
      <div className="card-text">
        <p className="when">{dateTime(event.startsAt)}</p>
        <h2>{event.name}</h2>
        <p className="where">{event.venue ?? 'Place to be announced'}</p>
        <div className="card-seats">
          {isOpen ? <span>{words}</span> : <Badge color="gray">{words}</Badge>}
          {isOpen && <SeatBar event={event} />}
        </div>
      </div>
    </Link>
  );
}

function NoEvents({ search, onClear }: { search: string; onClear: () => void }) {
  if (search === '')
    return (
      <Empty title="No events yet">
        <p>There is nothing on at the moment. You can be the first to organize an event.</p>
      </Empty>
    );
  return (
    <Empty title={`No event matches “${search}”`}>
      <p>Search for the beginning of a word in the name.</p>
      <Button variant="default" onClick={onClear}>
        Show all events
      </Button>
    </Empty>
  );
}
