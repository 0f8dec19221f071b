import { currentDeadlineMs, runWithoutDeadline } from '#platform/clients/deadline.ts';
import type { Allocator } from './allocator.ts';

/** Refuses requests that have not begun by their caller's deadline. A batch has none: it also answers others. */
export const keepDeadlines = ({ submit, stop }: Allocator): Allocator => ({
  submit(request) {
    const deadlineMs = currentDeadlineMs();
    return runWithoutDeadline(() => submit(request, { deadlineMs }));
  },
  stop,
});
