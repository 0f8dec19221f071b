import { Badge } from '@mantine/core';
import { Link } from 'wouter';
import { OperationError } from '#client/answers.ts';
import { type EventFieldsFragment, OwnEventsDocument } from '#client/generated/graphql.ts';
import { client, useSession } from '../client.ts';
import { ButtonLink } from '../parts/links.tsx';
import { List, useList } from '../parts/list.tsx';
import { availabilityOf, DateStub, SeatBar } from '../parts/seats.tsx';
import { Empty, Page } from '../parts/states.tsx';
import { dateTime } from '../words.ts';

/** The events that the user organizes. */
export function OrganizePage() {
  const session = useSession();
  const query = useList({
    queryKey: ['events', 'of', session?.user.id],
    load: async (page, options) => {
      const { data, errors = [] } = await client.execute(OwnEventsDocument, page, options);
      const events = data?.me?.events;
      if (events == null) throw new OperationError(errors, { isMutation: false });
      return events;
    },
  });
  const empty = (
    <Empty title="No events yet">
      <p>Your first event needs a name, a time and its number of seats.</p>
    </Empty>
  );
  return (
    <Page title="Your events" intro="Create events, change them and see who has booked.">
      <ButtonLink href="/organize/new" className="action">
        New event
      </ButtonLink>{' '}
      <ButtonLink href="/organize/webhooks" variant="default" className="action">
        Webhooks
      </ButtonLink>
      <List query={query} more="Show more events" empty={empty}>
        {(events) => (
          <ul className="tickets">
            {events.map((event) => (
              <li key={event.id}>
                <OwnEvent event={event} />
              </li>
            ))}
          </ul>
        )}
      </List>
    </Page>
  );
}

function OwnEvent({ event }: { event: EventFieldsFragment }) {
  const { isOpen, words } = availabilityOf(event);
  return (
    <Link href={`/organize/${event.id}`} className="card ticket">
      <DateStub iso={event.startsAt} />
      <div className="ticket-text">
        <h2>{event.name}</h2>
        <p className="where">
          {dateTime(event.startsAt)}
          {event.venue && ` · ${event.venue}`}
        </p>
        <SeatBar event={event} />
      </div>
      <div className="ticket-side">
        <Badge color={isOpen ? 'evergreen' : 'gray'}>{words}</Badge>
      </div>
    </Link>
  );
}
