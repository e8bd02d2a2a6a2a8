"""A service in memory, and stand-ins for the threads, under which every order of events can be brought about."""

from collections import Counter

from wizframe.api.pages import Page, identity
from wizframe.api.walk import walk_lists
from wizframe.threads import Task


class Service:
    """Records in lists by status, oldest first."""

    def __init__(self, statuses, *, size, totals):
        self.size = size
        self.totals = totals
        self.status = {f"r{number}": status for number, status in enumerate(statuses)}  # oldest first
        self._ages = {name: age for age, name in enumerate(self.status)}

    def insert(self, status="active"):
        name = f"new {len(self._ages)}"
        self._ages[name] = len(self._ages)
        self.status[name] = status

    def page(self, status, number):
        names = [name for name in self.status if self.status[name] == status]
        records = [{"id": name} for name in names[(number - 1) * self.size : number * self.size]]
        return Page(records, len(names), -(-len(names) // self.size)) if self.totals else Page(records)


class Turns:
    """Stands for a pool of threads: some requests are under way, others queue. A subclass says which is served next."""

    def __init__(self, workers):
        self.workers = workers
        self._urgent = []
        self._queue = []
        self._under_way = []
        self._served = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @property
    def pending(self):
        return len(self._urgent + self._queue + self._under_way + self._served)

    @property
    def is_waiting(self):
        return bool(self._urgent + self._queue + self._under_way)

    def start(self, work, *, urgent=False):
        task = Task(work)
        (self._urgent if urgent else self._queue).append(task)
        return task

    def serve(self):
        while self._urgent + self._queue and len(self._under_way) < self.workers:
            self._under_way.append((self._urgent or self._queue).pop(0))
        assert self._under_way, "waits for ever"
        task = self._under_way.pop(self.choose(self._under_way))
        task.run()
        self._served.append(task)

    def deliver(self, position):
        task = self._served.pop(position)
        task.is_done = True
        return task


class AnyOrder(Turns):
    """Chance decides, and between any two requests it may do something to the records."""

    def __init__(self, workers, service, chance, kinds):
        super().__init__(workers)
        self.left = chance.choice([1, 2, 4, 12])
        self._service = service
        self._chance = chance
        self._kinds = kinds
        self._eager = chance.choice([0.02, 0.1, 0.3])
        self._newest_first = chance.choice([0, 0.5, 0.9])  # then some requests take very long

    def next_done(self):
        while not self._served or (self.is_waiting and self._chance.random() < 0.6):
            self._pass_time()
            self.serve()
        return self.deliver(self._chance.randrange(len(self._served)))

    def choose(self, under_way):
        return -1 if self._chance.random() < self._newest_first else self._chance.randrange(len(under_way))

    def _pass_time(self):
        while self._service.status and self.left and self._chance.random() < self._eager:
            self.left -= 1
            kind = self._chance.choice(self._kinds)
            if kind == "insert":
                self._service.insert()
                continue
            names = list(self._service.status)  # what happens to the oldest moves all the others
            name = names[int(len(names) * self._chance.random() ** self._chance.choice([1, 4]))]
            if kind == "delete":
                del self._service.status[name]
            else:
                self._service.status[name] = kind


class Scripted(Turns):
    """First come, first served; things happen around some requests.

    A late request is served when there is no other, a tardy one is answered when no other is served any more. Requests
    are named by list, page, and how often that page was asked for: ``(0, 5, 2)`` is the second look at page 5 of the
    first list.
    """

    def __init__(self, workers, *, late=(), tardy=(), before=None, after=None):
        super().__init__(workers)
        self._late = late
        self._tardy = tardy
        self._before = before or {}
        self._after = after or {}
        self._names = {}
        self._count = Counter()
        self.happened = []

    def start(self, work, *, urgent=False):
        task = super().start(work, urgent=urgent)
        page = work.func.position, work.args[0]
        self._count[page] += 1
        self._names[task] = (*page, self._count[page])
        return task

    def next_done(self):
        while self.is_waiting and all(self._names[task] in self._tardy for task in self._served):
            self.serve()
        return self.deliver(self._first_but(self._tardy, self._served))

    def choose(self, under_way):
        return self._first_but(self._late, under_way)

    def _first_but(self, names, tasks):
        others = [position for position, one in enumerate(tasks) if self._names[one] not in names]
        return others[0] if others else 0

    def serve(self):
        upcoming = [*self._under_way, *self._urgent, *self._queue][: self.workers]
        name = self._names[upcoming[self.choose(upcoming)]]
        for moment in (self._before, self._after):
            if moment is self._after:
                super().serve()
            if name in moment:
                moment[name]()
                self.happened.append(name)


def walked(service, lists, turns):
    """Walk lists of a service, and return the ids that were found and the doubts."""

    def fetch(position, status):
        def fetch_page(number):
            return service.page(status, number)

        fetch_page.position = position
        return fetch_page

    found, doubts = {}, []
    fetches = [fetch(position, status) for position, status in enumerate(lists)]
    options = {"page_size": service.size, "totals": service.totals, "workers": turns.workers, "pool": turns}
    for taken in walk_lists(fetches, doubts=doubts, **options):
        found.update((identity(record), record) for page in taken.pages for record in page.records)
    return set(found), doubts
