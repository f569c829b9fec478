/*
 * Two routers that keep one prefix of a shared table without a leader: the protocol of src/sync/group.ts, for spin.
 *
 * The table is one that is written without a condition (EC2's ReplaceRoute). A write takes effect some time after it was decided,
 * also after its router has crashed; its answer may be lost. A reading may be stale by one write. A router reads right before it
 * deletes. The cloud says that a router is dead only when it is, and may say it late.
 *
 * What must hold: a route of a living router that wants the prefix is never deleted; the number of writes stays bounded; and once
 * nothing changes any more, the table points at a living router that wants the prefix, if there is one.
 *
 *     spin -a [-DMUTANT_n] group.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan -m100000
 *
 * Each MUTANT_n takes one row of the decision away; each of them must fail (tests/model/group_model_test.ts).
 */

#define NOBODY 2
#define NOTHING 3

#define PEER(r) (1 - (r))

/* What a router wants: 0 or 1: that router; NOTHING. Router 0 outranks router 1. */
byte table = NOBODY;
byte previousTable = NOBODY;
bool alive[2] = true;
bool uplink[2] = true;
bool session = true;
/* Whether both kernels prefer router 0's uplink (local preference), or each its own. */
bool prefersFirst;

byte wanted[2] = NOTHING;
bool flipped[2];
bool held[2];
bool took[2];
byte takes[2];
/* Something changed since the router looked last: news of its kernel, an audit, a recheck after a take-over. */
bool due[2] = true;
/* A write under way: whom the table will point at. */
bool writing[2];
byte target[2];

byte writes;
byte events;
bool quiet;

#ifndef MOST_EVENTS
#define MOST_EVENTS 2
#endif
/* At most two take-overs a router and event, and one write for what each router wants. */
#define MOST_WRITES 16

/* What the kernel of a router has as its best route. */
inline look(r) {
  if
  :: uplink[r] && (!prefersFirst || r == 0 || !(session && alive[PEER(r)] && uplink[PEER(r)])) -> now = r
  :: !(uplink[r] && (!prefersFirst || r == 0 || !(session && alive[PEER(r)] && uplink[PEER(r)]))) &&
     session && alive[PEER(r)] && uplink[PEER(r)] -> now = PEER(r)
  :: else -> now = NOTHING
  fi;
  if
  :: now != wanted[r] ->
     flipped[r] = (now == r && wanted[r] == PEER(r));
     took[r] = false;
     takes[r] = 0;
     held[r] = held[r] && now == r;
     wanted[r] = now
  :: else
  fi
}

inline change(to) {
  previousTable = table;
  table = to;
  writes++;
  assert(writes <= MOST_WRITES);
  due[0] = true;
  due[1] = true
}

/* Row by row as in src/sync/group.ts. `seen` is what the router read. */
inline decide(r) {
  act = false;
  if
  :: seen != PEER(r) ->
     if
     :: wanted[r] == r && seen != r -> act = true
#ifndef MUTANT_1
     :: wanted[r] == PEER(r) && seen == r -> act = true
#endif
     :: wanted[r] == NOTHING && seen == r -> act = true
     :: else
     fi
#ifdef MUTANT_2
  :: seen == PEER(r) && wanted[r] == NOTHING -> act = true
#else
  :: seen == PEER(r) && wanted[r] == NOTHING && !alive[PEER(r)] -> act = true
#endif
#ifdef MUTANT_3
  :: seen == PEER(r) && wanted[r] == r -> act = true
#else
  :: seen == PEER(r) && wanted[r] == r ->
     if
#ifndef MUTANT_4
     :: !alive[PEER(r)] -> act = true
#endif
#ifndef MUTANT_5
     :: alive[PEER(r)] && took[r] -> act = (r == 0 && takes[r] < 2)
#else
     :: alive[PEER(r)] && took[r] -> act = true
#endif
     :: alive[PEER(r)] && !took[r] -> act = (flipped[r] || (r == 0 && held[r]))
     :: else
     fi
#endif
  :: else
  fi
}

proctype Router(byte r) {
  byte now, seen;
  bool act;
end:
  do
  :: alive[r] && due[r] && !writing[r] ->
     atomic {
       due[r] = false;
       look(r);
       if
       :: seen = table
       :: !quiet -> seen = previousTable; due[r] = true   /* stale: an audit follows */
       fi;
       if :: seen == r && wanted[r] == r -> held[r] = true :: else fi;
       decide(r);
       if
       :: act && wanted[r] == NOTHING ->
          /* Read again right before the delete. */
          if
#ifdef MUTANT_6
          :: true ->
#else
          :: table == seen ->
#endif
             assert(!(table != NOBODY && table != r && alive[table] && wanted[table] == table));
             change(NOBODY)
          :: else -> due[r] = true
          fi
       :: act && wanted[r] != NOTHING -> writing[r] = true; target[r] = wanted[r];
          if
          :: seen == PEER(r) -> took[r] = true; takes[r]++; flipped[r] = false
          :: else
          fi;
          if :: wanted[r] == r -> held[r] = true :: else fi
       :: else
       fi;
       now = 0; seen = 0; act = false
     }
  od
}

/* A write takes effect, with its router or without; or it fails, and the router looks again. */
proctype Cloud(byte r) {
end:
  do
  :: atomic { writing[r] -> writing[r] = false; change(target[r]) }
  :: atomic { writing[r] && !quiet && alive[r] -> writing[r] = false; due[r] = true }
  od
}

inline forget(r) {
  wanted[r] = NOTHING;
  flipped[r] = false;
  held[r] = false;
  took[r] = false;
  takes[r] = 0
}

proctype Environment() {
  byte r;
  do
  :: events < MOST_EVENTS ->
     atomic {
       select(r : 0 .. 1);
       if
       :: uplink[r] = !uplink[r]
       :: session = !session
       :: alive[r] -> alive[r] = false; forget(r)
       :: !alive[r] -> alive[r] = true
       fi;
       events++;
       due[0] = true;
       due[1] = true
     }
  :: quiet = true; break
  od;
  /* Nothing moves any more: the audit of each router comes, then the end is looked at. */
  timeout -> atomic { due[0] = true; due[1] = true };
  timeout ->
  bool someoneWants;
  someoneWants = (alive[0] && wanted[0] == 0) || (alive[1] && wanted[1] == 1);
  assert(!someoneWants || (table != NOBODY && alive[table] && wanted[table] == table))
}

init {
  atomic {
    if :: prefersFirst = true :: prefersFirst = false fi;
    run Router(0); run Router(1); run Cloud(0); run Cloud(1); run Environment()
  }
}
