"""How is the headline test put together?"""
