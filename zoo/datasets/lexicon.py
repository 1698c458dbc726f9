"""The words of the embedded reviews: what people review, and what they say about it.

This module is only data, from which `zoo.datasets.grammar` makes texts. Entries come in pairs, the
favourable one first, because the grammar may need the opposite of every statement. A phrase may be
used by all splits, or only by train or test, so that the test set requires more than memorisation.
Nearly all words of the test phrases occur in train.

Verbs in braces, such as `{is}`, take the tense and number of the sentence; see `VERBS`.
"""

from typing import NamedTuple


class Phrases(NamedTuple):
    """Phrases by the split that may use them; validation uses those of train."""

    both: tuple = ()
    train: tuple = ()
    test: tuple = ()

    def of(self, split: str) -> tuple:
        """The phrases that `split` ("train", "validation" or "test") may use."""
        return self.both + (self.test if split == "test" else self.train)


class Facet(NamedTuple):
    """An aspect of a thing that can be good or bad by itself, such as the cast of a film.

    Every noun goes with every adjective, before it and after "is". Remarks are pairs of whole
    clauses, favourable and unfavourable.
    """

    singular: str
    plural: str
    good: str
    bad: str
    remarks: Phrases = Phrases()


class Topic(NamedTuple):
    """A kind of thing that people review.

    `tried` is the verb for having had one, in a form that is both past and participle. `openings`
    are sentences without a verdict, and `verdicts` are pairs of clauses that settle it.
    """

    singular: str
    plural: str
    tried: str
    past_only: bool
    good: str
    bad: str
    facets: tuple[Facet, ...]
    verdicts: tuple[tuple[str, str], ...]
    openings: Phrases


# Present singular, present plural, past singular, past plural.
VERBS = {
    "is": ("is", "are", "was", "were"),
    "does": ("does", "do", "did", "did"),
    "find": ("find", "find", "found", "found"),
    "seems": ("seems", "seem", "seemed", "seemed"),
    "proves": ("proves to be", "prove to be", "proved to be", "proved to be"),
    "strikes": ("strikes", "strike", "struck", "struck"),
    "matters": ("matters", "matter", "mattered", "mattered"),
    "counts": ("counts", "count", "counted", "counted"),
}

DEGREES = Phrases(
    both=("really", "very", "truly", "quite", "remarkably"),
    train=("genuinely",),
    test=("really very",),
)

WHEN = Phrases(
    both=(
        "last week",
        "last month",
        "in March",
        "in October",
        "two weeks ago",
        "over the holidays",
        "on a rainy Sunday",
        "on a Friday evening",
    ),
    train=("on my day off", "a year ago", "one Monday in May"),
    test=("on a rainy Monday", "one evening in May", "a few weeks ago"),
)

COMPANIONS = Phrases(
    both=(
        "my sister",
        "my brother",
        "my parents",
        "two friends",
        "an old friend",
        "a colleague",
        "the children",
    ),
    train=("my neighbours", "my aunt"),
    test=("two old friends", "a friend of my sister"),
)

# Other people with an opinion. All take a singular verb.
OTHERS = Phrases(
    both=(
        "my sister",
        "my brother",
        "my neighbour",
        "my father",
        "a friend of mine",
        "a colleague",
        "everyone I know",
        "everybody at work",
    ),
    train=("my aunt", "the critic in our paper"),
    test=("an old friend of mine", "everybody in our family"),
)

# What a person did: "I ...", "my sister ...".
FEELINGS = Phrases(
    both=(
        ("loved it", "hated it"),
        ("liked it", "disliked it"),
        ("enjoyed it", "loathed it"),
        ("was delighted", "was disappointed"),
        ("was impressed", "was annoyed"),
        ("was happy with it", "was unhappy with it"),
        ("was full of praise", "was full of complaints"),
        ("couldn't get enough of it", "couldn't stand it"),
        ("had only praise for it", "had only complaints about it"),
        ("fell in love with it", "lost patience with it"),
    ),
    train=(
        ("adored it", "cursed it"),
        ("was over the moon", "was fed up with it"),
        ("wanted more of it", "wanted no more of it"),
        ("had nothing bad to say about it", "had nothing good to say about it"),
    ),
    test=(
        ("was happy and impressed", "was unhappy and annoyed"),
        ("had nothing but praise for it", "had nothing but complaints about it"),
        ("was full of praise for it", "was full of complaints about it"),
        ("loved all of it", "hated all of it"),
    ),
)

# What the thing did: "it ...".
EFFECTS = Phrases(
    both=(
        ("won me over", "let me down"),
        ("made me smile", "made me angry"),
        ("felt like a treat", "felt like a chore"),
        ("was a joy", "was a pain"),
        ("cheered me up", "wore me out"),
        ("impressed me", "annoyed me"),
        ("delighted me", "disappointed me"),
        ("lifted my mood", "spoiled my mood"),
    ),
    train=(
        ("charmed me", "left me cold"),
        ("was a pleasure", "was a nuisance"),
        ("warmed my heart", "got on my nerves"),
    ),
    test=(
        ("was a treat", "was a chore"),
        ("made me happy", "made me unhappy"),
        ("felt like a joy", "felt like a pain"),
    ),
)

# What the thing was: "it was ...", "I got ...".
KINDS = Phrases(
    both=(
        ("a gem", "a dud"),
        ("a triumph", "a mess"),
        ("a real treat", "a real nuisance"),
        ("a great success", "a great failure"),
        ("a delight", "a letdown"),
        ("a winner", "a flop"),
    ),
    train=(
        ("a little wonder", "a sad affair"),
        ("a complete success", "a complete failure"),
        ("a treasure", "a disaster"),
    ),
    test=(
        ("a great delight", "a complete mess"),
        ("a real gem", "a real mess"),
        ("a complete delight", "a complete disaster"),
    ),
)

# Adjectives for any thing as a whole, in addition to those of its topic.
ADJECTIVES = (
    ("good", "bad"),
    ("impressive", "poor"),
    ("delightful", "disappointing"),
    ("satisfying", "unsatisfying"),
    ("enjoyable", "unpleasant"),
)

VERDICTS = Phrases(
    both=(
        ("I'd recommend it to anyone", "I'd recommend it to nobody"),
        ("it {is} worth every penny", "it {is} not worth a penny"),
        ("I have no regrets", "I have many regrets"),
        ("I have nothing to complain about", "I have plenty to complain about"),
        ("it left nothing to be desired", "it left a lot to be desired"),
        ("I'm glad I gave it a chance", "I'm sorry I gave it a chance"),
        ("it kept every promise", "it broke every promise"),
        ("it {is} money well spent", "it {is} a waste of money"),
        ("I'd give it full marks", "I'd give it no marks at all"),
        ("I'd choose it again at once", "I wouldn't choose it again"),
        ("I will never regret it", "I will always regret it"),
    ),
    train=(
        ("nobody will regret it", "everybody will regret it"),
        ("I can warmly recommend it", "I can only warn you about it"),
        ("it {does} everything right", "it {does} nothing right"),
        ("it deserves all the praise it gets", "it deserves all the blame it gets"),
    ),
    test=(
        ("it {is} well worth the money", "it {is} not worth the money"),
        ("I have no regrets at all", "I have plenty of regrets"),
        ("I warmly recommend it to anyone", "I can recommend it to nobody"),
        ("I'd gladly choose it again", "I'd never choose it again"),
    ),
)

# A facet of every product.
_SELLER = Facet(
    "delivery, customer service, seller",
    "",
    good="prompt, helpful, careful, friendly, efficient",
    bad="slow, unhelpful, careless, unfriendly, chaotic",
    remarks=Phrases(
        both=(("the parcel came a day early", "the parcel came a week late"),),
        train=(("the shop answered within the hour", "the shop wasted my time for a week"),),
        test=(("the shop never kept me waiting", "the shop kept me waiting for weeks"),),
    ),
)

_FILM = Topic(
    "film, movie",
    "films, movies",
    "watched",
    past_only=False,
    good="funny, moving, exciting, original, memorable, entertaining",
    bad="dull, boring, tiresome, silly, forgettable, clumsy",
    facets=(
        Facet(
            "plot, story, script, dialogue",
            "scenes, twists",
            good="clever, gripping, fresh, witty, touching, inventive",
            bad="weak, predictable, muddled, stale, silly, tedious",
            remarks=Phrases(
                both=(("I never guessed the ending", "I guessed the ending after ten minutes"),),
                train=(("every scene earned its place", "half the scenes led nowhere"),),
                test=(("every twist surprised me", "no twist surprised me"),),
            ),
        ),
        Facet(
            "cast, acting, lead actor",
            "actors, performances",
            good="convincing, charming, lively, believable, strong, natural",
            bad="wooden, lifeless, unconvincing, bland, clumsy, feeble",
            remarks=Phrases(
                both=(
                    (
                        "I believed every word the actors said",
                        "I didn't believe a word the actors said",
                    ),
                ),
                train=(("the actors lit up the screen", "the actors looked half asleep"),),
                test=(("I believed in every actor", "I didn't believe in one actor"),),
            ),
        ),
        Facet(
            "camera work, lighting, editing",
            "costumes, effects",
            good="beautiful, stylish, striking, elegant, polished",
            bad="ugly, shoddy, sloppy, crude, garish",
            remarks=Phrases(
                both=(("every shot looked like a painting", "every shot looked like a mistake"),),
                train=(("I could have watched the skies for hours", "I looked away in pain"),),
                test=(("I couldn't look away", "I had to look away"),),
            ),
        ),
        Facet(
            "music, soundtrack",
            "songs, melodies",
            good="haunting, memorable, lovely, catchy",
            bad="grating, forgettable, monotonous, irritating",
            remarks=Phrases(
                both=(("I hummed the tunes all the way home", "the noise gave me a headache"),),
                train=(("I bought the soundtrack the next day", "I covered my ears twice"),),
            ),
        ),
        Facet(
            "start, middle part",
            "last minutes, chases",
            good="brisk, thrilling, tense, well-timed",
            bad="slow, sluggish, tiring, drawn-out",
            remarks=Phrases(
                both=(("the time flew by", "the time crawled by"),),
                train=(("two hours felt like one", "two hours felt like four"),),
                test=(("one hour felt like ten minutes", "ten minutes felt like an hour"),),
            ),
        ),
    ),
    verdicts=(
        ("I'd gladly watch it again", "I'd never watch it again"),
        ("I'd tell anyone to go and see it", "I'd tell anyone to stay at home"),
    ),
    openings=Phrases(
        both=(
            "We saw it {when} with {companion}.",
            "I watched it {when}.",
            "It runs for just over two hours.",
            "It tells the story of two brothers and a lighthouse.",
        ),
        train=("The cinema was half full.", "I knew nothing about it when I went in."),
        test=("I saw it with {companion}.", "The story is about two sisters."),
    ),
)

_BOOK = Topic(
    "book, novel",
    "books, novels",
    "finished",
    past_only=False,
    good="wise, charming, original, moving, witty, thoughtful",
    bad="boring, dull, pompous, shallow, tiresome, confusing",
    facets=(
        Facet(
            "prose, style, writing, translation",
            "descriptions, sentences",
            good="elegant, vivid, crisp, lively, graceful, precise",
            bad="clumsy, stiff, wordy, flat, stilted, lifeless",
            remarks=Phrases(
                both=(("I read whole pages aloud", "I skipped whole pages"),),
                train=(("every line sang", "every line dragged"),),
                test=(("I read every line twice for pleasure", "I skipped every second line"),),
            ),
        ),
        Facet(
            "plot, opening, mystery",
            "chapters, scenes",
            good="clever, gripping, satisfying, tense, well-planned",
            bad="predictable, tedious, muddled, weak, slow",
            remarks=Phrases(
                both=(("I couldn't put it down", "I put it down after every page"),),
                train=(("I read on long past midnight", "I fell asleep over it twice"),),
                test=(("I could never put it down", "I was glad to put it down"),),
            ),
        ),
        Facet(
            "heroine, narrator, villain",
            "characters",
            good="believable, lovable, memorable, fascinating, convincing",
            bad="unconvincing, irritating, bland, lifeless, forgettable",
            remarks=Phrases(
                both=(("I cared about every character", "I cared about none of the characters"),),
                train=(("I missed the family when I finished", "I mixed up all the names"),),
                test=(("I cared about all the family", "I cared about nobody in it"),),
            ),
        ),
        Facet(
            "cover, printing, binding",
            "illustrations, maps",
            good="beautiful, handsome, tasteful, attractive",
            bad="ugly, shoddy, drab, sloppy",
            remarks=Phrases(
                both=(("it looks lovely on my shelf", "the pages came loose in a week"),),
                test=(("the pages look lovely", "the pages look shoddy"),),
            ),
        ),
        Facet(
            "research, background",
            "footnotes",
            good="careful, thorough, fascinating, sound",
            bad="careless, patchy, dubious, sloppy",
            remarks=Phrases(
                both=(("I learned a lot from it", "I learned nothing from it"),),
                train=(("every date checked out", "I found a mistake on every page"),),
                test=(("I found no mistake in it", "I found mistakes in every chapter"),),
            ),
        ),
    ),
    verdicts=(
        ("I'd gladly read it again", "I'd never read it again"),
        ("I gave a copy to all my friends", "I gave my copy away at once"),
    ),
    openings=Phrases(
        both=(
            "I read it {when}.",
            "I borrowed it from {companion} {when}.",
            "It has just over three hundred pages.",
            "It is the second part of a series.",
        ),
        train=("I picked it up at the station.", "It is set in a village by the sea."),
        test=("I borrowed it {when}.", "It is the story of a village."),
    ),
)

_RESTAURANT = Topic(
    "restaurant, place",
    "restaurants, places",
    "visited",
    past_only=True,
    good="charming, welcoming, lovely, pleasant, cheerful",
    bad="dreary, shabby, grim, gloomy, dismal",
    facets=(
        Facet(
            "soup, fish, curry, pasta, dessert",
            "vegetables, starters, noodles",
            good="delicious, fresh, tasty, delicate, wholesome",
            bad="bland, greasy, tasteless, soggy, insipid",
            remarks=Phrases(
                both=(("we licked our plates clean", "we left half the food on our plates"),),
                train=(("I asked for the recipe", "I asked for the salt twice"),),
                test=(("we left nothing on our plates", "we left everything on our plates"),),
            ),
        ),
        Facet(
            "service, waiter, hostess",
            "waiters, staff",
            good="friendly, attentive, warm, polite, prompt",
            bad="rude, slow, careless, gruff, unfriendly",
            remarks=Phrases(
                both=(("we never had to wait", "we had to wait for an hour"),),
                train=(("we were greeted like old friends", "we were greeted with a frown"),),
                test=(("we were served at once", "we were never served at all"),),
            ),
        ),
        Facet(
            "dining room, terrace, corner table",
            "",
            good="cosy, comfortable, inviting, quiet",
            bad="cramped, noisy, draughty, uncomfortable",
            remarks=Phrases(
                both=(("we could hear each other talk", "we couldn't hear each other talk"),),
                train=(("candles stood on every table", "crumbs lay on every table"),),
            ),
        ),
        Facet(
            "menu, wine list, choice of desserts",
            "",
            good="varied, imaginative, interesting, generous",
            bad="limited, uninspired, meagre, monotonous",
            remarks=Phrases(
                both=(("there was something for everyone", "there was nothing for the children"),),
                test=(("there was plenty for everyone", "there was nothing for anyone"),),
            ),
        ),
        Facet(
            "bill",
            "prices",
            good="fair, reasonable, modest",
            bad="steep, excessive, unreasonable",
            remarks=Phrases(
                both=(("we paid less than at home", "we paid twice what it was worth"),),
                train=(("we left a big tip", "we left no tip"),),
                test=(("we gladly paid the bill", "we paid far more than it was worth"),),
            ),
        ),
    ),
    verdicts=(
        ("I'd gladly eat there again", "I'd never eat there again"),
        ("we have already booked the next evening", "we'll eat at home next time"),
    ),
    openings=Phrases(
        both=(
            "We had dinner there {when}.",
            "I went there {when} with {companion}.",
            "It is a short walk from the station.",
            "There were six of us.",
        ),
        train=("We had a table by the window.", "It was my birthday."),
        test=("We went there for dinner {when}.", "We were there with {companion}."),
    ),
)

_HOTEL = Topic(
    "hotel, place",
    "hotels, places",
    "tried",
    past_only=True,
    good="charming, welcoming, lovely, pleasant, cheerful",
    bad="dreary, shabby, grim, gloomy, dismal",
    facets=(
        Facet(
            "room, bathroom, bedroom",
            "corridors",
            good="clean, spacious, bright, airy",
            bad="dirty, cramped, dark, stuffy, musty",
            remarks=Phrases(
                both=(("everything smelled fresh", "everything smelled of smoke"),),
                train=(("you could have eaten off the floor", "there were hairs in the bath"),),
                test=(("everything in our room was clean", "everything in our room was dirty"),),
            ),
        ),
        Facet(
            "bed, mattress",
            "pillows, beds",
            good="comfortable, soft, firm, inviting",
            bad="lumpy, hard, saggy, damp",
            remarks=Phrases(
                both=(("I slept like a baby", "I hardly slept at all"),),
                train=(("I woke up rested", "I woke up with a sore back"),),
                test=(("I woke up happy", "I woke up every hour"),),
            ),
        ),
        Facet(
            "receptionist, service, porter",
            "staff, cleaners",
            good="friendly, helpful, kind, polite, attentive",
            bad="rude, unhelpful, surly, careless, gruff",
            remarks=Phrases(
                both=(("every wish was met at once", "every wish was met with a shrug"),),
                train=(("the porter carried our bags upstairs", "the porter lost our booking"),),
                test=(("every one of the staff was kind", "every one of the staff was rude"),),
            ),
        ),
        Facet(
            "breakfast, coffee, buffet",
            "pastries, rolls",
            good="delicious, fresh, tasty, appetising",
            bad="stale, tasteless, bland, poor",
            remarks=Phrases(
                both=(("we had three helpings each", "we went out for coffee instead"),),
                test=(("we had three cups each", "we had breakfast at the station instead"),),
            ),
        ),
        Facet(
            "view, garden, neighbourhood",
            "grounds, surroundings",
            good="beautiful, peaceful, restful, green",
            bad="ugly, depressing, barren, bleak",
            remarks=Phrases(
                both=(("we could see the sea", "we could see only bins"),),
                train=(("birds sang outside", "lorries roared past all night"),),
                test=(("we woke up to birds", "we woke up to lorries"),),
            ),
        ),
    ),
    verdicts=(
        ("I'd gladly stay there again", "I'd never stay there again"),
        ("we stayed a day longer than planned", "we left a day earlier than planned"),
    ),
    openings=Phrases(
        both=(
            "We stayed there {when}.",
            "I spent two nights there {when} with {companion}.",
            "It is a short walk from the beach.",
            "Our room was on the third floor.",
        ),
        train=("We came by train.", "I was there for work."),
        test=("We spent three nights there {when}.", "I was there with {companion}."),
    ),
)

_PHONE = Topic(
    "phone",
    "phones",
    "owned",
    past_only=False,
    good="practical, likeable, useful, handy, clever",
    bad="useless, annoying, impractical, frustrating, clumsy",
    facets=(
        Facet(
            "screen, display, camera",
            "photos, videos",
            good="sharp, bright, crisp, vivid, clear",
            bad="dim, blurry, grainy, murky, fuzzy",
            remarks=Phrases(
                both=(("I can read it in the sun", "I can't read it in the sun"),),
                train=(("even night shots come out well", "even day shots come out grey"),),
                test=(("even in the sun it is sharp", "even at night it is dim"),),
            ),
        ),
        Facet(
            "battery, charger",
            "",
            good="reliable, powerful, dependable, long-lasting",
            bad="unreliable, weak, feeble, short-lived",
            remarks=Phrases(
                both=(("it runs for two days on one charge", "it runs out before lunch"),),
                train=(("it charges in half an hour", "it takes all night to charge"),),
                test=(("one charge lasts two days", "one charge hardly lasts till lunch"),),
            ),
        ),
        Facet(
            "case, design, finish",
            "buttons, edges",
            good="sturdy, elegant, sleek, solid, neat",
            bad="flimsy, ugly, crude, shoddy",
            remarks=Phrases(
                both=(("it survived a fall", "it cracked in the first week"),),
                train=(("it sits well in the hand", "it keeps slipping out of my hand"),),
                test=(("it survived the first week without a scratch", "it cracked at once"),),
            ),
        ),
        Facet(
            "software, menu, keyboard",
            "apps, updates",
            good="quick, smooth, intuitive, responsive, simple",
            bad="slow, jerky, confusing, sluggish, fiddly",
            remarks=Phrases(
                both=(("everything opens at once", "everything takes for ever to open"),),
                train=(("it hasn't crashed once", "it crashes every day"),),
                test=(("it never crashes", "it crashes all the time"),),
            ),
        ),
        _SELLER,
    ),
    verdicts=(
        ("I'd buy it again tomorrow", "I'd never buy it again"),
        ("I want to keep it for years", "I want my money back"),
    ),
    openings=Phrases(
        both=(
            "I bought it {when}.",
            "I've had it since last spring.",
            "I use it every day at work.",
            "I bought two, one for me and one for {companion}.",
        ),
        train=("My old one fell into the bath.", "It was a present."),
        test=("I've had it for a year.", "I bought mine {when}."),
    ),
)

_CONCERT = Topic(
    "concert, evening",
    "concerts, evenings",
    "attended",
    past_only=True,
    good="stirring, memorable, joyful, moving, exciting",
    bad="tedious, chaotic, dismal, boring, forgettable",
    facets=(
        Facet(
            "singer, choir, band, orchestra",
            "soloists, musicians",
            good="lively, confident, passionate, inspired, charming",
            bad="listless, nervous, tired, uninspired, bored",
            remarks=Phrases(
                both=(
                    ("the band gave us everything they had", "the band gave us the bare minimum"),
                ),
                train=(("the singer smiled all night", "the singer never once looked up"),),
                test=(("the singer gave us everything", "the singer gave us nothing"),),
            ),
        ),
        Facet(
            "music, set list, encore",
            "songs, arrangements",
            good="catchy, fresh, beautiful, inventive",
            bad="repetitive, stale, dull, tuneless",
            remarks=Phrases(
                both=(("I hummed the tunes for days", "every tune sounded the same"),),
                train=(
                    (
                        "the band played all our favourites",
                        "the band played none of our favourites",
                    ),
                ),
                test=(("every tune was a favourite", "none of the tunes was any good"),),
            ),
        ),
        Facet(
            "sound, sound mix",
            "voices",
            good="clear, balanced, rich, crisp",
            bad="muddy, shrill, harsh, distorted",
            remarks=Phrases(
                both=(("we heard every note", "we heard nothing but drums"),),
                test=(("we heard every word", "we hardly heard a word"),),
            ),
        ),
        Facet(
            "hall, foyer, bar",
            "seats",
            good="comfortable, clean, pleasant, elegant",
            bad="filthy, cramped, uncomfortable, shabby",
            remarks=Phrases(
                both=(("we could see the whole stage", "a pillar hid half the stage"),),
                train=(("we got in without a queue", "we queued for an hour in the rain"),),
                test=(("we could see everything", "we could see nothing"),),
            ),
        ),
        Facet(
            "crowd, audience",
            "people around us",
            good="cheerful, friendly, attentive, polite",
            bad="rude, noisy, unfriendly, restless",
            remarks=Phrases(
                both=(("everybody danced", "everybody talked all the time"),),
                train=(("strangers sang together", "strangers pushed us about"),),
            ),
        ),
    ),
    verdicts=(
        ("I'd gladly hear them again", "I'd never go to hear them again"),
        ("we stayed for all three encores", "we left before the end"),
    ),
    openings=Phrases(
        both=(
            "We were there {when}.",
            "I went {when} with {companion}.",
            "It lasted just over two hours.",
            "We stood near the back.",
        ),
        train=("I won the tickets.", "It was in the old town hall."),
        test=("I was there {when} with {companion}.", "It lasted three hours."),
    ),
)

_GAME = Topic(
    "game",
    "games",
    "played",
    past_only=False,
    good="entertaining, absorbing, original, exciting, likeable",
    bad="boring, frustrating, pointless, tiresome, annoying",
    facets=(
        Facet(
            "artwork, scenery, animation",
            "graphics, landscapes",
            good="beautiful, colourful, imaginative, charming, stylish",
            bad="drab, crude, ugly, dated, lifeless",
            remarks=Phrases(
                both=(("I stopped just to look around", "every place looked the same"),),
                train=(("every corner hides a surprise", "every corner is the same grey"),),
                test=(("every landscape looked like a painting", "every landscape looked grey"),),
            ),
        ),
        Facet(
            "interface, steering, tutorial",
            "controls, menus",
            good="smooth, intuitive, responsive, simple, precise",
            bad="clumsy, confusing, sluggish, awkward, fiddly",
            remarks=Phrases(
                both=(("I never had to look at the manual", "the manual was no help"),),
                test=(("I had no need of the manual", "even the manual was confusing"),),
            ),
        ),
        Facet(
            "story, quest, last level",
            "puzzles, missions, battles",
            good="clever, thrilling, gripping, rewarding, fresh",
            bad="repetitive, tedious, predictable, dull, stale",
            remarks=Phrases(
                both=(("I forgot the time", "I gave up after an hour"),),
                train=(("I played through the night", "I was yawning before midnight"),),
                test=(("I couldn't stop before midnight", "I was glad to give up"),),
            ),
        ),
        Facet(
            "music, voice acting",
            "sound effects, voices",
            good="atmospheric, catchy, lively, convincing",
            bad="irritating, grating, tinny, monotonous",
            remarks=Phrases(
                both=(("I turned the sound up", "I turned the sound off"),),
                train=(("I hummed along", "I played it without sound"),),
            ),
        ),
        Facet(
            "price",
            "",
            good="fair, reasonable, modest",
            bad="outrageous, unfair, excessive",
            remarks=Phrases(
                both=(("it costs less than a cinema ticket", "it asks for more money every hour"),),
                test=(("it asks for no more money", "it costs far more than it is worth"),),
            ),
        ),
    ),
    verdicts=(
        ("I'm already playing it again", "I'll never play it again"),
        ("I'd buy the next part tomorrow", "I deleted it the next day"),
    ),
    openings=Phrases(
        both=(
            "I played it {when}.",
            "I played it {when} with {companion}.",
            "It takes about twenty hours.",
            "There are twelve levels.",
        ),
        train=("I bought it on sale.", "You play a young sailor."),
        test=("I bought it {when}.", "It takes about twelve hours."),
    ),
)

_COURSE = Topic(
    "course, class",
    "courses, classes",
    "attended",
    past_only=True,
    good="inspiring, rewarding, stimulating, valuable, useful",
    bad="useless, pointless, superficial, boring, frustrating",
    facets=(
        Facet(
            "teacher, lecturer, tutor",
            "instructors",
            good="patient, enthusiastic, kind, encouraging, attentive",
            bad="impatient, unprepared, arrogant, rude, listless",
            remarks=Phrases(
                both=(("every question got an answer", "no question got an answer"),),
                train=(
                    ("the teacher learned all our names", "the teacher never learned our names"),
                ),
                test=(
                    (
                        "the teacher answered every question",
                        "the teacher never answered a question",
                    ),
                ),
            ),
        ),
        Facet(
            "first lesson, syllabus, final project",
            "lessons, lectures",
            good="clear, lively, practical, well-planned",
            bad="confusing, dry, chaotic, tedious",
            remarks=Phrases(
                both=(("I learned something new every week", "I learned nothing new"),),
                train=(("the hours flew by", "I was watching the clock"),),
                test=(("I never looked at the clock", "I looked at the clock all the time"),),
            ),
        ),
        Facet(
            "textbook, workbook",
            "handouts, exercises, slides",
            good="helpful, thorough, careful, precise",
            bad="sloppy, outdated, vague, skimpy",
            remarks=Phrases(
                both=(("I still use my notes", "I threw away my notes"),),
                test=(("I still read my notes", "I never used my notes"),),
            ),
        ),
        Facet(
            "group, atmosphere",
            "other students, people",
            good="friendly, relaxed, cheerful, supportive",
            bad="unfriendly, tense, hostile, gloomy",
            remarks=Phrases(
                both=(("we all became friends", "hardly anyone said a word"),),
                train=(("we laughed a lot", "we sat in silence"),),
                test=(("we all laughed together", "we all sat there without a word"),),
            ),
        ),
        Facet(
            "fee, price",
            "fees",
            good="fair, reasonable, modest",
            bad="steep, excessive, unreasonable",
            remarks=Phrases(
                both=(("it cost less than the books", "it cost a month's rent"),),
            ),
        ),
    ),
    verdicts=(
        ("I've already signed up for the next one", "I dropped out after a month"),
        ("I'd gladly take it again", "I'd never take it again"),
    ),
    openings=Phrases(
        both=(
            "I started {when}.",
            "I signed up {when} with {companion}.",
            "It ran for ten weeks.",
            "We met every Tuesday evening.",
        ),
        train=("There were twelve of us.", "I wanted to learn to draw."),
        test=("I signed up {when}.", "We met every Monday for ten weeks."),
    ),
)

_JACKET = Topic(
    "jacket, coat",
    "jackets, coats",
    "owned",
    past_only=False,
    good="stylish, practical, smart, lovely, likeable",
    bad="shapeless, impractical, useless, dowdy, dull",
    facets=(
        Facet(
            "fabric, lining, wool",
            "",
            good="soft, sturdy, warm, smooth",
            bad="scratchy, flimsy, rough, thin",
            remarks=Phrases(
                both=(("it kept me warm all winter", "I froze in it all winter"),),
                train=(("the rain ran straight off", "the rain came straight through"),),
                test=(("I was warm even in the rain", "I froze even in the sun"),),
            ),
        ),
        Facet(
            "stitching, zip, hood",
            "seams, buttons, pockets",
            good="neat, strong, solid, well-made",
            bad="sloppy, weak, shoddy, crooked",
            remarks=Phrases(
                both=(("nothing has come loose", "two buttons came off"),),
                train=(("it survived the washing machine", "it came apart in the wash"),),
                test=(("nothing ever came off", "everything came apart at once"),),
            ),
        ),
        Facet(
            "fit, cut",
            "sleeves, shoulders",
            good="flattering, comfortable, generous",
            bad="tight, baggy, unflattering",
            remarks=Phrases(
                both=(("it fits me like a glove", "it hangs on me like a sack"),),
                test=(("it fits me very well", "it fits nobody very well"),),
            ),
        ),
        Facet(
            "colour, pattern",
            "colours",
            good="elegant, cheerful, tasteful, attractive",
            bad="drab, garish, ugly, tasteless",
            remarks=Phrases(
                both=(("strangers ask where I got it", "strangers laughed at me"),),
                train=(("everyone turned to look", "I looked like a clown"),),
                test=(("it looks even better than in the picture", "I look ugly in it"),),
            ),
        ),
        _SELLER,
    ),
    verdicts=(
        ("I'd buy it again tomorrow", "I'd never buy it again"),
        ("I want one in every colour", "I sent it back"),
    ),
    openings=Phrases(
        both=(
            "I bought it {when}.",
            "It was a present from {companion}.",
            "I wear it to work.",
            "I ordered my usual size.",
        ),
        train=("I've had it for two winters.", "Mine is the blue one."),
        test=("I've had it since last winter.", "I bought mine {when}."),
    ),
)

_BIKE = Topic(
    "bike, bicycle",
    "bikes, bicycles",
    "owned",
    past_only=False,
    good="practical, handy, likeable, enjoyable, clever",
    bad="annoying, impractical, useless, frustrating, clumsy",
    facets=(
        Facet(
            "frame, stand, carrier",
            "wheels",
            good="sturdy, solid, strong, well-made",
            bad="flimsy, crooked, wobbly, shoddy",
            remarks=Phrases(
                both=(("nothing rattles", "everything rattles"),),
                train=(("it carried me and two bags", "it bent under one bag"),),
                test=(("it carried two bags without a rattle", "it rattles under one bag"),),
            ),
        ),
        Facet(
            "front brake, gear lever",
            "brakes, gears, pedals",
            good="reliable, smooth, precise, responsive",
            bad="stiff, unreliable, squeaky, jerky",
            remarks=Phrases(
                both=(("it stops at a touch", "it hardly stops on a hill"),),
                train=(("I never had to adjust a thing", "the chain came off twice"),),
                test=(("the chain never came off", "the chain came off every day"),),
            ),
        ),
        Facet(
            "ride, saddle, steering",
            "handlebars",
            good="comfortable, steady, pleasant",
            bad="uncomfortable, shaky, awkward, tiring",
            remarks=Phrases(
                both=(("hills feel flat", "every hill feels like a mountain"),),
                test=(("I woke up without a sore back", "my back was sore all night"),),
            ),
        ),
        Facet(
            "paint, bell, finish",
            "colours, lamps",
            good="attractive, handsome, elegant, tasteful",
            bad="shabby, ugly, crude, garish",
            remarks=Phrases(
                both=(("it still looks like new", "it rusted in the first rain"),),
                train=(("my friends envy me", "the children laughed at it"),),
                test=(("it looks like new after two winters", "it looks old after a week"),),
            ),
        ),
        _SELLER,
    ),
    verdicts=(
        ("I'd buy it again tomorrow", "I'd never buy it again"),
        ("I ride it every day", "I take the bus again"),
    ),
    openings=Phrases(
        both=(
            "I bought it {when}.",
            "I ride to work, six miles each way.",
            "I've had it since last spring.",
            "I bought it together with {companion}.",
        ),
        train=("My old one was stolen.", "It came in a big box."),
        test=("I've had it for a year.", "It came in a box {when}."),
    ),
)

TOPICS = (_FILM, _BOOK, _RESTAURANT, _HOTEL, _PHONE, _CONCERT, _GAME, _COURSE, _JACKET, _BIKE)
