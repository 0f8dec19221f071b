import { notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { watch } from './live.ts';
import { reload } from './parts/states.tsx';

const MY_BOOKINGS = `subscription MyBookings { myBookings { kind booking { id event { id name } } } }`;

interface News {
  myBookings: {
    kind: 'CONFIRMED' | 'CANCELLED' | 'REFRESH';
    booking: { event: { name: string } | null } | null;
  } | null;
}

const TITLES = { CONFIRMED: 'Booking confirmed', CANCELLED: 'Booking cancelled' };

/** Shows changes of the user's bookings as they happen, wherever the user is in the page. */
export function useBookingNews(userId: string | undefined): void {
  useEffect(() => {
    if (userId === undefined) return;
    return watch<News>(MY_BOOKINGS, {}, ({ myBookings: change }) => {
      if (change === null) return;
      void reload('bookings');
      if (change.kind === 'REFRESH') return;
      notifications.show({
        title: TITLES[change.kind],
        message: change.booking?.event?.name ?? 'See your bookings.',
        color: change.kind === 'CONFIRMED' ? 'evergreen' : 'gray',
        closeButtonProps: { 'aria-label': 'Close' },
      });
    });
  }, [userId]);
}
